package servers

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// busNetwork is the cluster bus of a cluster as a network that can be cut: a proxy in
// front of every node. Who calls is known by the source address, of which every node
// has one of its own.
type busNetwork struct {
	mu       sync.Mutex
	minority map[string]bool // source addresses of nodes that are cut off; nil: nobody
	conns    map[*busConn]struct{}
	proxies  []*busProxy
	closed   bool
	group    sync.WaitGroup // of all goroutines
}

func newBusNetwork() *busNetwork { return &busNetwork{conns: map[*busConn]struct{}{}} }

// busProxy listens in place of one node.
type busProxy struct {
	network  *busNetwork
	listener net.Listener
	source   string // from where the node itself calls: "127.0.10.1"
}

// busConn is one connection from a node to another's proxy.
type busConn struct {
	from, to string   // source addresses of the nodes
	near     net.Conn // of the caller
	far      net.Conn // to the node called; nil where the call never came through
	cut      bool     // has lost bytes, and is closed when the network is whole again
}

// listen makes the proxy of the node of a number. It forwards when it is run.
func (n *busNetwork) listen(number int) (*busProxy, error) {
	source := fmt.Sprintf("127.0.10.%d", number+1)
	// Only this node's proxy is asked who called, so other clusters may use the same.
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, err
	}
	proxy := &busProxy{network: n, listener: listener, source: source}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proxies = append(n.proxies, proxy)
	return proxy, nil
}

// port returns where the proxy listens.
func (p *busProxy) port() int {
	address, _ := p.listener.Addr().(*net.TCPAddr)
	return address.Port
}

// run forwards calls to the node's own bus port, until the network is closed.
func (p *busProxy) run(target string) {
	p.network.group.Go(func() {
		for {
			near, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.network.group.Go(func() { p.network.serve(near, p.source, target) })
		}
	})
}

// serve forwards one connection until either side closes it. What comes while the
// network is cut between the two is lost: neither side is told, as with a network
// that drops packets.
func (n *busNetwork) serve(near net.Conn, to, target string) {
	from, _, _ := net.SplitHostPort(near.RemoteAddr().String())
	conn := &busConn{from: from, to: to, near: near}
	defer n.forget(conn)
	if n.add(conn) {
		far, err := net.Dial("tcp", target)
		if err != nil {
			return // as if the node itself had refused
		}
		if !n.connected(conn, far) {
			return
		}
		n.group.Go(func() { n.copy(conn, near, far) })
	}
	n.copy(conn, conn.far, near)
}

// add registers a connection and reports whether its call comes through.
func (n *busNetwork) add(conn *busConn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[conn] = struct{}{}
	conn.cut = n.crosses(conn)
	if n.closed {
		conn.close()
	}
	return !conn.cut
}

// connected gives a connection its far side, unless the network was closed.
func (n *busNetwork) connected(conn *busConn, far net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	conn.far = far
	return !n.closed
}

// forget closes a connection that has ended.
func (n *busNetwork) forget(conn *busConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, conn)
	conn.close()
}

// close closes both sides, which ends the goroutines that read them.
func (c *busConn) close() {
	c.near.Close()
	if c.far != nil {
		c.far.Close()
	}
}

// copy forwards what one side sends, or drops it, until that side is closed; then it
// closes both.
func (n *busNetwork) copy(conn *busConn, to, from net.Conn) {
	buffer := make([]byte, 16<<10)
	for {
		count, err := from.Read(buffer)
		if err == nil && !n.lost(conn) {
			_, err = to.Write(buffer[:count])
		}
		if err != nil {
			n.forget(conn)
			return
		}
	}
}

// lost reports whether what was read of a connection is to be dropped.
func (n *busNetwork) lost(conn *busConn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return conn.cut
}

// crosses reports whether a connection has its ends on both sides of the cut.
func (n *busNetwork) crosses(conn *busConn) bool {
	return n.minority[conn.from] != n.minority[conn.to]
}

// cut cuts these nodes off from all others, and no other nodes any more. Connections
// that have lost bytes and are not cut any more are closed, so that the nodes make
// new ones.
func (n *busNetwork) cut(sources []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.minority = map[string]bool{}
	for _, source := range sources {
		n.minority[source] = true
	}
	for conn := range n.conns {
		switch {
		case n.crosses(conn):
			conn.cut = true
		case conn.cut:
			conn.close()
		}
	}
}

// close ends all proxies and waits for their goroutines.
func (n *busNetwork) close() error {
	n.mu.Lock()
	n.closed = true
	var errs []error
	for _, proxy := range n.proxies {
		errs = append(errs, proxy.listener.Close())
	}
	n.proxies = nil
	for conn := range n.conns {
		conn.close()
	}
	n.mu.Unlock()
	n.group.Wait()
	return errors.Join(errs...)
}

// Partition cuts the cluster bus between the nodes given and all others: what they
// send each other is lost. Clients, and replicas at their primaries, still reach
// everybody. A further call cuts elsewhere instead. It needs ClusterConfig.Proxied.
func (c *Cluster) Partition(minority ...*Node) error {
	if c.network == nil {
		return errors.New("a partition needs ClusterConfig.Proxied")
	}
	var sources []string
	for _, node := range minority {
		sources = append(sources, node.proxy.source)
	}
	c.network.cut(sources)
	return nil
}

// Heal ends Partition.
func (c *Cluster) Heal() error { return c.Partition() }
