package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
)

// ClusterConfig says how a cluster is to be started. Its zero value is a cluster of
// three primaries without replicas.
type ClusterConfig struct {
	Primaries int // 0: 3
	Replicas  int // of each primary

	// NodeTimeout is cluster-node-timeout, after which a silent node counts as failed;
	// 0: 1 s.
	NodeTimeout time.Duration

	// Proxied puts a proxy in front of every node's cluster bus, for Partition. It
	// needs Linux, where every address 127.x.y.z is the machine's own.
	Proxied bool

	// Lines, Password and TLS are those of every node, as in Config. With TLS the bus
	// and replication use it too, and all nodes have one certificate.
	Lines    []string
	Password string
	TLS      bool
}

// Cluster is a running cluster. Its methods may be used by several goroutines, but
// those that change the cluster not at once.
//
// What it asks the nodes it asks those that answer: what was ended or paused by the
// methods of Server is left out.
type Cluster struct {
	config  ClusterConfig
	nodes   []*Node
	network *busNetwork // nil without ClusterConfig.Proxied
}

// Node is one server of a cluster.
type Node struct {
	*Server
	id    atomic.Pointer[string] // changed by Rejoin
	proxy *busProxy              // nil without ClusterConfig.Proxied
}

// ID returns the node's name in the cluster, 40 hexadecimal digits.
func (n *Node) ID() string {
	if id := n.id.Load(); id != nil {
		return *id
	}
	return "" // it has not started
}

// StartCluster starts the nodes of a cluster, joins them, and returns when it is
// healthy; see AwaitHealthy. That takes the servers 2 s at least: for so long a
// primary waits after its start. The context bounds the start. The cluster runs until
// Close.
func StartCluster(ctx context.Context, version Version, config ClusterConfig) (_ *Cluster, err error) {
	if config.Primaries == 0 {
		config.Primaries = 3
	}
	if config.NodeTimeout == 0 {
		config.NodeTimeout = time.Second
	}
	nodeConfig := Config{Password: config.Password, TLS: config.TLS, Cluster: true}
	if config.TLS {
		if nodeConfig.certificate, err = newCertificate(); err != nil {
			return nil, err
		}
	}
	c := &Cluster{config: config, nodes: make([]*Node, config.Primaries*(1+config.Replicas))}
	if config.Proxied {
		c.network = newBusNetwork()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	errs := make([]error, len(c.nodes))
	var group sync.WaitGroup
	for i := range c.nodes {
		group.Go(func() { c.nodes[i], errs[i] = c.startNode(ctx, version, nodeConfig, i) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := c.join(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("joining a cluster of %v: %w", version, err), c.logs(ctx))
	}
	return c, nil
}

// startNode starts one node, which knows no other yet, and its proxy. It returns the
// node even where it fails, for Close.
func (c *Cluster) startNode(ctx context.Context, version Version, config Config, i int) (node *Node, err error) {
	node = &Node{}
	config.Lines = []string{
		fmt.Sprintf("cluster-node-timeout %d", c.config.NodeTimeout.Milliseconds()),
		// Replicas stay where a test has put them.
		"cluster-migration-barrier 999",
		// Nodes tell clients of a replica when its offset isn't 0 any more; in an empty
		// cluster the first ping makes it so, by default after 10 s.
		"repl-ping-replica-period 1",
	}
	if !version.Before62 {
		// And so does a primary without slots.
		config.Lines = append(config.Lines, "cluster-allow-replica-migration no")
	}
	if c.network != nil {
		if node.proxy, err = c.network.listen(i); err != nil {
			return node, err
		}
		config.Lines = append(
			config.Lines,
			"bind-source-addr "+node.proxy.source,
			fmt.Sprintf("cluster-announce-bus-port %d", node.proxy.port()),
		)
	}
	config.Lines = append(config.Lines, c.config.Lines...)
	if node.Server, err = Start(ctx, version, config); err != nil {
		return node, err
	}
	if node.proxy != nil {
		node.proxy.run(net.JoinHostPort(loopback, strconv.Itoa(node.port()+busAddends)))
	}
	return node, node.learnID(ctx)
}

// learnID asks a node for its ID.
func (n *Node) learnID(ctx context.Context) error {
	id, err := n.Command(ctx, "CLUSTER", "MYID")
	if err == nil {
		n.id.Store(&id)
	}
	return err
}

// port returns where clients connect.
func (n *Node) port() int {
	_, text, _ := net.SplitHostPort(n.Addr)
	port, _ := strconv.Atoi(text) // Addr was made of a number
	return port
}

// busPort returns where other nodes connect.
func (n *Node) busPort() int {
	if n.proxy != nil {
		return n.proxy.port()
	}
	return n.port() + busAddends
}

// Addrs returns the addresses of all nodes, as seeds of a client.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, node := range c.nodes {
		addrs[i] = node.Addr
	}
	return addrs
}

// Nodes returns all nodes: first those that were started as primaries, in the order
// of their slots, then the first replicas of each in the same order, and so on.
func (c *Cluster) Nodes() []*Node { return slices.Clone(c.nodes) }

// Node returns the node that has the ID or address; nil for none.
func (c *Cluster) Node(name string) *Node {
	for _, node := range c.nodes {
		if node.ID() == name || node.Addr == name {
			return node
		}
	}
	return nil
}

// answering returns those of the nodes, of all where none is given, that answer.
func (c *Cluster) answering(among []*Node) []*Node {
	if len(among) == 0 {
		among = c.nodes
	}
	var nodes []*Node
	for _, node := range among {
		if node.Answering() {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// Role returns the role that the cluster was started for: "redis7".
func (c *Cluster) Role() string { return c.nodes[0].Role() }

// Close ends all nodes and removes everything of them. It may be called again.
func (c *Cluster) Close() error {
	errs := make([]error, len(c.nodes))
	var group sync.WaitGroup
	for i, node := range c.nodes {
		if node != nil && node.Server != nil {
			group.Go(func() { errs[i] = node.Server.Close() })
		}
	}
	group.Wait()
	err := errors.Join(errs...)
	if c.network != nil {
		err = errors.Join(err, c.network.close())
	}
	return err
}

// logs returns what the nodes have printed, as an error.
func (c *Cluster) logs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	var text strings.Builder
	for _, node := range c.nodes {
		log, err := node.Logs(ctx)
		fmt.Fprintf(&text, "log of %s at %s, node %s:\n%s", node.Role(), node.Addr, node.ID(), log)
		if err != nil {
			fmt.Fprintf(&text, "(%v)\n", err)
		}
	}
	return errors.New(text.String())
}

// share returns the slots that the primary of a number begins with.
func (c *Cluster) share(primary int) slot.Range {
	begin := func(i int) int { return (i*slot.Count + c.config.Primaries/2) / c.config.Primaries }
	return slot.Range{From: begin(primary), To: begin(primary+1) - 1}
}

// addSlots is the command that gives slots to a node; ADDSLOTSRANGE came with Redis 7.0.
func addSlots(share slot.Range) []string {
	words := []string{"CLUSTER", "ADDSLOTS"}
	for number := share.From; number <= share.To; number++ {
		words = append(words, strconv.Itoa(number))
	}
	return words
}

// join makes one cluster of nodes that don't know each other.
func (c *Cluster) join(ctx context.Context) error {
	for i, node := range c.nodes[:c.config.Primaries] {
		share := c.share(i)
		if err := node.run(
			ctx,
			// Else all begin with the same epoch and have to find others first.
			[]string{"CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i + 1)},
			addSlots(share),
		); err != nil {
			return err
		}
	}
	// Everybody meets everybody, which is quicker than gossip.
	for i, node := range c.nodes {
		for _, other := range c.nodes[:i] {
			if err := node.meet(ctx, other); err != nil {
				return err
			}
		}
	}
	for i, node := range c.nodes[c.config.Primaries:] {
		if err := node.follow(ctx, c.nodes[i%c.config.Primaries]); err != nil {
			return err
		}
	}
	return c.AwaitHealthy(ctx)
}

// run sends commands that answer a text.
func (n *Node) run(ctx context.Context, commands ...[]string) error {
	for _, words := range commands {
		if _, err := n.Command(ctx, words...); err != nil {
			return fmt.Errorf("%s at %s: %w", strings.Join(words, " "), n.Addr, err)
		}
	}
	return nil
}

// meet introduces another node. The two shake hands after it has returned.
func (n *Node) meet(ctx context.Context, other *Node) error {
	return n.run(ctx, []string{"CLUSTER", "MEET", loopback, strconv.Itoa(other.port()), strconv.Itoa(other.busPort())})
}

// follow makes a node a replica, as soon as it knows its primary.
func (n *Node) follow(ctx context.Context, primary *Node) error {
	return await(ctx, n.Addr+" as a replica of "+primary.Addr, func() error {
		return n.run(ctx, []string{"CLUSTER", "REPLICATE", primary.ID()})
	})
}
