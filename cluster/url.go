package cluster

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/redis"
)

// ParseURL reads options from a URL:
//
//	redis+cluster://user:password@host1:6379,host2:6379    TCP
//	rediss+cluster://host1,host2                           TLS over TCP
//
// Everything but the hosts is as in redis.ParseURL. The query takes the options of
// redis.ParseURL, and these: read_from (primary, prefer_replica, round_robin, lowest_latency),
// zone (the name of an availability zone to read from), max_redirects, and refresh_every (such
// as "10s").
//
// ParseURL rejects unknown or invalid parts, and the error names the part. No error shows the
// password.
func ParseURL(s string) (Options, error) {
	var o Options
	scheme, rest, ok := strings.Cut(s, "://")
	single := ""
	switch strings.ToLower(scheme) {
	case "redis+cluster":
		single = "redis"
	case "rediss+cluster":
		single = "rediss"
	}
	if !ok || single == "" {
		return o, badOptions("the URL's scheme is neither redis+cluster nor rediss+cluster")
	}
	rest, query, _ := strings.Cut(rest, "?")
	query, err := parseQuery(&o, query)
	if err != nil {
		return o, err
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	user := ""
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, authority = authority[:at+1], authority[at+1:]
	}
	behind := ""
	if hasPath {
		behind = "/" + path
	}
	if query != "" {
		behind += "?" + query
	}
	for host := range strings.SplitSeq(authority, ",") {
		if host == "" {
			return o, badOptions("the URL has an empty host")
		}
		node, err := redis.ParseURL(single + "://" + user + host + behind)
		if err != nil {
			return o, err
		}
		o.Addrs = append(o.Addrs, node.Addr)
		node.Addr, node.Network = "", ""
		o.Node = node
	}
	_, err = o.withDefaults()
	return o, err
}

// parseQuery reads the cluster options from a query, and returns the other options.
func parseQuery(o *Options, query string) (others string, err error) {
	var rest []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key != "read_from" && key != "zone" && key != "max_redirects" && key != "refresh_every" {
			if pair != "" || query != "" {
				rest = append(rest, pair)
			}
			continue
		}
		value, err := url.PathUnescape(value)
		if err != nil {
			return "", badOptions("%s in the URL's query has a %% that is not followed by two hex digits", key)
		}
		if err := o.set(key, value); err != nil {
			return "", err
		}
	}
	return strings.Join(rest, "&"), nil
}

// set sets one of the cluster options.
func (o *Options) set(key, value string) error {
	switch key {
	case "read_from", "zone":
		if o.ReadFrom != nil {
			return badOptions("the URL's query says twice where to read from")
		}
		from, err := readFromName(key, value)
		o.ReadFrom = from
		return err
	case "max_redirects":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return badOptions("max_redirects in the URL's query is no positive number")
		}
		o.MaxRedirects = int(n)
	case "refresh_every":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return badOptions("refresh_every in the URL's query is no positive time such as 10s")
		}
		o.RefreshEvery = d
	}
	return nil
}

// readFromName returns the policy with a given name.
func readFromName(key, value string) (ReadFrom, error) {
	if key == "zone" {
		if value == "" {
			return nil, badOptions("zone in the URL's query is empty")
		}
		return Zone(value), nil
	}
	for name, from := range map[string]ReadFrom{
		"primary": Primary, "prefer_replica": PreferReplica, "round_robin": RoundRobin, "lowest_latency": LowestLatency,
	} {
		if value == name {
			return from, nil
		}
	}
	return nil, badOptions("read_from in the URL's query is none of primary, prefer_replica, round_robin, lowest_latency")
}
