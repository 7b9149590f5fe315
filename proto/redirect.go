package proto

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Redirect is the content of a MOVED or ASK error of a cluster: the node to ask instead.
type Redirect struct {
	// Ask is true for ASK, which applies only to this command, sent after ASKING. It is false
	// for MOVED, which applies to the slot from now on.
	Ask bool
	// Slot is the hash slot, 0 to 16383.
	Slot int
	// Host is the node's host name or IP address, without brackets. It is empty if the node did
	// not know it, which means the host that sent the redirect.
	Host string
	// Port is the node's port, 1 to 65535.
	Port int
}

// Addr returns the redirect's "host:port" for dialing, with IPv6 addresses in brackets. answered
// is the "host:port" of the node that sent the redirect. Its host is used if the redirect names
// none.
func (r Redirect) Addr(answered string) string {
	host := r.Host
	if host == "" {
		var err error
		if host, _, err = net.SplitHostPort(answered); err != nil {
			host = strings.Trim(answered, "[]") // there was no port
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(r.Port))
}

// The ways in which a redirect can be malformed. The errors show nothing of its text.
var (
	errNoRedirect   = errors.New("proto: not a MOVED or ASK error")
	errRedirectForm = errors.New("proto: bad redirect: not a slot and an address")
	errRedirectSlot = errors.New("proto: bad redirect: slot not a number from 0 to 16383")
	errRedirectPort = errors.New("proto: bad redirect: port not a number from 1 to 65535")
	errRedirectHost = errors.New("proto: bad redirect: not a host name or IP address")
)

// ParseRedirect parses a MOVED or ASK error. It returns an error if err is nil, a different
// error reply, or malformed. The error contains nothing of the server's text.
func ParseRedirect(err *Error) (Redirect, error) {
	if err == nil || err.Code != "MOVED" && err.Code != "ASK" {
		return Redirect{}, errNoRedirect
	}
	slot, addr, ok := strings.Cut(err.Message, " ")
	colon := strings.LastIndexByte(addr, ':')
	if !ok || colon < 0 {
		return Redirect{}, errRedirectForm
	}
	r := Redirect{Ask: err.Code == "ASK"}
	if r.Slot, ok = decimal(slot, 1<<14-1); !ok {
		return Redirect{}, errRedirectSlot
	}
	if r.Port, ok = decimal(addr[colon+1:], 1<<16-1); !ok || r.Port == 0 {
		return Redirect{}, errRedirectPort
	}
	if r.Host, ok = redirectHost(addr[:colon]); !ok {
		return Redirect{}, errRedirectHost
	}
	return r, nil
}

// redirectHost returns the host of a redirect without brackets, or "" for a host that the node
// does not know.
func redirectHost(s string) (host string, ok bool) {
	if s == "" || s == "?" {
		return "", true
	}
	if inner, found := strings.CutPrefix(s, "["); found {
		if inner, found = strings.CutSuffix(inner, "]"); !found {
			return "", false
		}
		ip, err := netip.ParseAddr(inner)
		return inner, err == nil && ip.Is6() && ip.Zone() == ""
	}
	if strings.IndexByte(s, ':') >= 0 {
		ip, err := netip.ParseAddr(s)
		return s, err == nil && ip.Zone() == "" // a zone is meaningful only on the node itself
	}
	return s, isHostName(s)
}

// isHostName reports whether s can be a host name or an IPv4 address. It allows underscores,
// which names in container networks have.
func isHostName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		case c == '.' || c == '-':
			if i == 0 {
				return false
			}
		default:
			return false
		}
	}
	return len(s) <= 253
}

// decimal parses s, which must consist of digits without leading zeros and be at most bound.
func decimal(s string, bound int) (n int, ok bool) {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = n*10 + int(s[i]-'0'); n > bound {
			return 0, false
		}
	}
	return n, true
}
