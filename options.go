package redchan

import (
	"fmt"
	"strings"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
)

// Options say what a client connects to, and how. The zero value connects to one server at
// localhost:6379.
type Options struct {
	// Server says how to connect to one server.
	Server redis.Options
	// Cluster says how to connect to a cluster. Server must then be left out.
	Cluster *cluster.Options
}

// check rejects options for both a server and a cluster.
func (o *Options) check() error {
	if o.Cluster != nil && (o.Server.Addr != "" || o.Server.Resolve != nil) {
		return fmt.Errorf("redchan: %w: Server.Addr and Cluster are both given: a client is of one server or of one cluster", redis.ErrOptions)
	}
	return nil
}

// ParseURL reads options from a URL. The scheme chooses what the client connects to:
//
//	redis://user:password@localhost:6379/0      one server; rediss:// with TLS, unix:///path
//	redis+cluster://user:password@host1,host2   a cluster; rediss+cluster:// with TLS
//
// [redis.ParseURL] and [cluster.ParseURL] describe all forms, and the options in the query.
// No error shows the password.
func ParseURL(url string) (Options, error) {
	var o Options
	scheme, _, _ := strings.Cut(url, "://")
	if strings.HasSuffix(strings.ToLower(scheme), "+cluster") {
		c, err := cluster.ParseURL(url)
		if err != nil {
			return o, err
		}
		o.Cluster = &c
		return o, nil
	}
	server, err := redis.ParseURL(url)
	o.Server = server
	return o, err
}
