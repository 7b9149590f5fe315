package redis

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ParseURL reads options from a URL:
//
//	redis://user:password@host:6379/0             TCP
//	rediss://host  redis+tls://host               TLS over TCP
//	unix:///path?db=0  redis+unix:///path         Unix socket
//	redis+unix+tls://cert.host/path               TLS over a Unix socket
//
// valkey:// and valkeys:// are the same as redis:// and rediss://. User, password, host,
// port, and database may be left out. "redis://:pw@host" gives only a password, and
// "redis://user@host" gives a user without a password. Characters with a special meaning in
// a URL must be percent-encoded, above all in a password: "#" is %23, "@" is %40, "/" is
// %2F.
//
// The query has further options: db (or database), username, password, client_name,
// client_info (false sets Options.NoClientInfo), protocol (2 or 3), dial_timeout,
// reply_timeout, keep_alive, subscribe_timeout, unsubscribe_timeout, backoff, backoff_max,
// subscriber_backoff, subscriber_backoff_max (durations such as "1.5s"), connections,
// pool_size, and the limits of replies: max_bulk, max_depth, max_elements, max_line,
// max_error_line, max_big_number. An option in the query overrides the same option in the
// rest of the URL.
//
// ParseURL rejects everything that is unknown or not valid, and its error names the part.
// No error shows the password.
func ParseURL(s string) (Options, error) {
	var o Options
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return o, badOptions("a URL begins with redis://, rediss:// or unix://")
	}
	if strings.Contains(rest, "#") {
		return o, badOptions("a URL of a server has no fragment: a # in a password is written %%23")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") {
		return o, badOptions("the URL has an @ after the ?: a ? in a password is written %%3F, an @ %%40")
	}
	secure, unix := false, false
	switch strings.ToLower(scheme) {
	case "redis", "valkey":
	case "rediss", "redis+tls", "valkeys":
		secure = true
	case "unix", "redis+unix":
		unix = true
	case "redis+unix+tls":
		unix, secure = true, true
	case "redis+cluster", "rediss+cluster":
		return o, badOptions("this is the URL of a cluster: give it to cluster.Open or cluster.ParseURL")
	case "redis+sentinel", "rediss+sentinel", "redis-sentinel":
		return o, badOptions("this is the URL of Redis Sentinel, which this client does not support: " +
			"connect to the primary, or find it in Options.Resolve")
	default:
		// The scheme may be part of a password that was cut at the wrong place.
		return o, badOptions("the URL's scheme must be one of redis, rediss, redis+tls, valkey, valkeys, unix, redis+unix, redis+unix+tls")
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if err := parseUser(&o, authority[:at]); err != nil {
			return o, err
		}
		authority = authority[at+1:]
	} else if strings.Contains(path, "@") && !unix {
		return o, badOptions("the URL has an @ after the host: a / in a password is written %%2F")
	}
	if secure {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	var err error
	if unix {
		err = parseSocket(&o, authority, path, hasPath)
	} else {
		err = parseHost(&o, authority, path)
	}
	if err != nil {
		return o, err
	}
	if err := parseQuery(&o, query); err != nil {
		return o, err
	}
	_, err = o.withDefaults()
	return o, err
}

// parseUser reads "user:password", either of which may be missing.
func parseUser(o *Options, s string) error {
	user, password, _ := strings.Cut(s, ":")
	var err error
	if o.Username, err = unescape("user", user); err != nil {
		return err
	}
	password, err = unescape("password", password)
	o.Password = NewSecret(password)
	return err
}

// parseSocket reads the path of a Unix socket, and the name on the server's certificate
// before it.
func parseSocket(o *Options, authority, path string, hasPath bool) error {
	o.Network = "unix"
	if authority != "" {
		if o.TLS == nil {
			return badOptions("the path of a Unix socket begins with a third slash: unix:///path")
		}
		host, err := unescape("host", authority)
		if err != nil {
			return err
		}
		o.TLS.ServerName = host
	} else if o.TLS != nil {
		return badOptions("TLS over a Unix socket needs the name on the certificate: redis+unix+tls://name/path")
	}
	if !hasPath || path == "" {
		return badOptions("the URL has no path of a Unix socket")
	}
	path, err := unescape("path", path)
	o.Addr = "/" + path
	return err
}

// parseHost reads "host:port" and the database in the path.
func parseHost(o *Options, authority, path string) error {
	host, port := authority, "6379"
	if strings.Contains(authority, ",") {
		return badOptions("the URL has several hosts: those of a cluster go to cluster.Open, as redis+cluster://host1,host2")
	}
	if strings.HasPrefix(authority, "[") {
		end := strings.IndexByte(authority, ']')
		if end < 0 {
			return badOptions("the URL's host has a [ without a ]")
		}
		var err error
		if host, err = unescape("host", authority[1:end]); err != nil {
			return err
		}
		if ip := net.ParseIP(strings.Split(host, "%")[0]); ip == nil || !strings.Contains(host, ":") {
			return badOptions("the text in [ ] in the URL is not an IPv6 address")
		}
		if rest := authority[end+1:]; rest != "" {
			if rest[0] != ':' {
				return badOptions("the URL has something between ] and the port")
			}
			port = rest[1:]
		}
	} else {
		if strings.Count(authority, ":") > 1 {
			return badOptions("the URL's host has more than one colon: write an IPv6 address in [ ]")
		}
		if before, after, ok := strings.Cut(authority, ":"); ok {
			host, port = before, after
		}
		var err error
		if host, err = unescape("host", host); err != nil {
			return err
		}
		if strings.ContainsAny(host, " /@:\t\r\n") {
			return badOptions("the URL's host is not a host name")
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '+' {
		return badOptions("the URL's port is not a number between 1 and 65535")
	}
	o.Network = "tcp"
	o.Addr = net.JoinHostPort(or(host, "localhost"), port)
	if path = strings.TrimSuffix(path, "/"); path != "" {
		return parseDB(o, "path", path)
	}
	return nil
}

func parseDB(o *Options, part, s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return badOptions("the database in the URL's %s is not a number", part)
	}
	o.DB = int(n)
	return nil
}

// parseQuery reads the options after "?".
func parseQuery(o *Options, query string) error {
	if query == "" {
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		key, err := unescape("query", key)
		if err != nil {
			return err
		}
		if key == "database" {
			key = "db"
		}
		if seen[key] {
			return badOptions("the URL's query has %s twice", key)
		}
		part, named := "query option "+key, strconv.Quote(key)
		passwordSeen := seen["password"]
		if passwordSeen { // this text may be part of the password
			part, named = "query", "after the password, in which & is written %26"
		}
		seen[key] = true
		if value, err = unescape(part, value); err != nil {
			return err
		}
		switch err := setOption(o, key, value); {
		case errors.Is(err, errUnknownOption):
			if !passwordSeen {
				named += meant(key)
			}
			return badOptions("the URL's query has an unknown option: %s", named)
		case err != nil:
			return err
		}
	}
	return nil
}

// setOption sets one option of the query.
func setOption(o *Options, key, value string) error {
	duration := func(d *time.Duration) error {
		parsed, err := time.ParseDuration(value)
		if err != nil || parsed <= 0 {
			return badOptions("%s in the URL's query must be a positive duration, such as 1.5s: %q", key, value)
		}
		*d = parsed
		return nil
	}
	count := func(n *int) error {
		parsed, err := strconv.ParseUint(value, 10, 31)
		if err != nil || parsed == 0 {
			return badOptions("%s in the URL's query must be a positive number: %q", key, value)
		}
		*n = int(parsed)
		return nil
	}
	switch key {
	case "db":
		return parseDB(o, "query", value)
	case "username":
		o.Username = value
	case "password":
		o.Password = NewSecret(value)
	case "client_name":
		o.ClientName = value
	case "client_info":
		told, err := strconv.ParseBool(value)
		if err != nil {
			return badOptions("client_info in the URL's query is neither true nor false: %q", value)
		}
		o.NoClientInfo = !told
	case "protocol":
		if value != "2" && value != "3" {
			return badOptions("protocol in the URL's query is neither 2 nor 3: %q", value)
		}
		o.RESP2 = value == "2"
	case "dial_timeout":
		return duration(&o.DialTimeout)
	case "reply_timeout":
		return duration(&o.ReplyTimeout)
	case "keep_alive":
		return duration(&o.KeepAlive)
	case "subscribe_timeout":
		return duration(&o.SubscribeTimeout)
	case "unsubscribe_timeout":
		return duration(&o.UnsubscribeTimeout)
	case "backoff":
		return duration(&o.Backoff.Base)
	case "backoff_max":
		return duration(&o.Backoff.Max)
	case "subscriber_backoff":
		return duration(&o.SubscriberBackoff.Base)
	case "subscriber_backoff_max":
		return duration(&o.SubscriberBackoff.Max)
	case "connections":
		return count(&o.Connections)
	case "pool_size":
		return count(&o.PoolSize)
	case "max_bulk":
		return count(&o.Limits.MaxBulk)
	case "max_depth":
		return count(&o.Limits.MaxDepth)
	case "max_elements":
		return count(&o.Limits.MaxElements)
	case "max_line":
		return count(&o.Limits.MaxLine)
	case "max_error_line":
		return count(&o.Limits.MaxErrorLine)
	case "max_big_number":
		return count(&o.Limits.MaxBigNumber)
	default:
		return errUnknownOption
	}
	return nil
}

// errUnknownOption reports that a key of the query is not an option.
var errUnknownOption = errors.New("unknown option")

// unescape decodes percent-encoding once. Its error shows nothing of s.
func unescape(part, s string) (string, error) {
	decoded, err := url.PathUnescape(s)
	if err != nil {
		return "", badOptions("the URL's %s has a %% that is not followed by two hex digits: %% itself is written %%25", part)
	}
	return decoded, nil
}
