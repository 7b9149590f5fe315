package servers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken below the range from which the kernel takes ports for outgoing
// connections, so that none of those sits on a server's port while it restarts. A
// cluster node also needs the port 10,000 above.
const (
	firstPort  = 11000
	portCount  = 10000
	busAddends = 10000
)

// ports gives every server of this process a port of its own. It begins at random,
// because test binaries run side by side.
var ports = struct {
	sync.Mutex
	next int
}{next: rand.IntN(portCount)}

// freePort returns a port on which nothing listens, and nothing on its bus port.
func freePort() (int, error) {
	ports.Lock()
	defer ports.Unlock()
	for range portCount {
		port := firstPort + ports.next
		ports.next = (ports.next + 1) % portCount
		if listens(port) && listens(port+busAddends) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d", firstPort, firstPort+portCount)
}

// listens reports whether this process could listen on the port.
func listens(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
	return err == nil && errors.Join(listener.Close()) == nil
}
