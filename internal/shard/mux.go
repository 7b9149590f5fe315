package shard

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/retry"
)

// Options are what a [Mux] needs from the client of a cluster. Connect and Refresh must be set.
// All of them are called by any goroutine.
type Options struct {
	// Connect starts to keep a connection to the node at addr for a lane, and does not
	// wait for it. stop ends it and waits until nothing of it is left.
	Connect func(addr string, lane *hub.Lane) (stop func(), err error)
	// Refresh asks for a new [View] soon, told by another node than the one at avoid, if
	// that is not empty. It does not wait: [Mux.Update] brings it.
	Refresh func(avoid string)
	// MapAddr returns the address at which to connect to a "host:port" that a node has
	// named; nil stands for the same. It is called without locks held.
	MapAddr func(addr string) string

	// Replicas reads from the replicas of a shard where it has some.
	Replicas bool

	// SubscribeTimeout, UnsubscribeTimeout and Logger are those of [hub.Options],
	// and so are their defaults.
	SubscribeTimeout, UnsubscribeTimeout time.Duration
	Logger                               *slog.Logger
	// LinkError, if not nil, tells why there is no connection, for error texts.
	LinkError func() error

	random func(n int64) int64 // in place of retry.Int64N; for tests
}

// Mux is the shard channels that are wanted in a cluster, and the nodes on which they are
// subscribed. It keeps connections to all nodes that may serve a slot while there is a
// subscription. Its methods are safe for concurrent use.
type Mux struct {
	o   Options
	hub *hub.Hub

	wake  chan struct{} // capacity 1: there are names that nobody was asked for
	ctx   context.Context
	stop  context.CancelFunc
	tasks sync.WaitGroup // run, and what stops connections

	// updating is held by Update: views come one after the other.
	updating sync.Mutex

	// mu guards all that follows. It is taken by the hub's calls with the hub's lock
	// held, so nobody calls the hub while it is held.
	mu      sync.Mutex
	closed  bool
	active  bool // connections are wanted
	callers int  // between Open and release
	quiet   int  // views in a row without a subscription
	// refreshes are those since a view told something new, and refreshAgain is when there may
	// be the next.
	refreshes    int
	refreshAgain time.Time
	view         View
	former       View             // the one before it that differed
	owners       *owners          // of view; nil before the first
	nodes        map[string]*node // by address, those with a lane
	hints        map[int]string   // where a MOVED has said that a slot is, since the last view
	// mapped has the addresses of those that nodes have named since the last view, and
	// unmapped what slots are to be hinted at when theirs is known.
	mapped   map[string]string
	unmapped map[int]string
}

// node is a node with a lane.
type node struct {
	lane  *hub.Lane
	stop  func()        // nil where it could not be connected to; set before ready is closed
	ready chan struct{} // closed when Connect has returned
	added time.Time
	// proven is when another node last told who serves what, so that this one is known not
	// to be cut off. doubted is when another one was last asked for: there may be none.
	proven, doubted time.Time
}

// settling is how long the connection to a replica may take before the primary is read
// instead: a part of the SubscribeTimeout, so that the primary is asked within that.
const settling = 250 * time.Millisecond

// quietViews is how many views in a row find no subscription before the connections are closed.
const quietViews = 2

// New returns a Mux without connections, which it makes for the first subscription.
func New(o Options) *Mux {
	m := &Mux{o: o, wake: make(chan struct{}, 1), nodes: map[string]*node{}, hints: map[int]string{}, mapped: map[string]string{}, unmapped: map[int]string{}}
	if m.o.random == nil {
		m.o.random = retry.Int64N
	}
	if m.o.Logger == nil {
		m.o.Logger = slog.New(slog.DiscardHandler)
	}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.hub = hub.New(hub.Options{
		SubscribeTimeout:   o.SubscribeTimeout,
		UnsubscribeTimeout: o.UnsubscribeTimeout,
		Logger:             o.Logger,
		LinkError:          o.LinkError,
		Router:             router{m},
	})
	m.tasks.Go(m.run)
	return m
}

// Open is the [hub.Opener] for subscriptions to shard channels, and connects where that was not
// done before. A channel whose slot nobody serves is waited for as long as SubscribeTimeout.
func (m *Mux) Open(*hub.Plan) (h *hub.Hub, release func(), err error) {
	m.mu.Lock()
	m.callers++
	m.quiet = 0 // also where Update has asked the hub just before
	first := !m.active && !m.closed
	m.active = m.active || first
	m.mu.Unlock()
	if first {
		m.connect()
		m.o.Refresh("")
	}
	return m.hub, m.release, nil
}

// release undoes Open.
func (m *Mux) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.callers--
}

// proofAge is how old the last word of another node may be before one is asked for.
const proofAge = 5 * time.Second

// quarrelLasts is how long a view that comes again, after another one, is no news.
const quarrelLasts = 5 * time.Second

// Update tells how the slots are spread now. A view that is older than the last one is left
// alone.
func (m *Mux) Update(v View) {
	m.updating.Lock()
	defer m.updating.Unlock()
	idle := m.hub.Idle()
	table := v.owners()
	m.mu.Lock()
	if v.At.Before(m.view.At) {
		m.mu.Unlock()
		return
	}
	changed := m.owners == nil || !v.same(&m.view)
	// Where two nodes don't agree, their views come by turns.
	news := changed && (v.At.Sub(m.former.At) > quarrelLasts || !v.same(&m.former))
	if news {
		m.refreshes, m.refreshAgain = 0, time.Time{}
	}
	if changed {
		m.former = m.view
	}
	m.view, m.owners = v, table
	clear(m.hints)
	clear(m.mapped)
	clear(m.unmapped)
	if m.quiet++; !idle || m.callers > 0 {
		m.quiet, m.active = 0, true
	}
	if m.quiet >= quietViews {
		m.active = false
	}
	var from *node
	proves := func(addr string) bool { return addr != v.From || v.alone() }
	for addr, n := range m.nodes {
		if proves(addr) {
			n.proven = v.At
		} else if v.At.Sub(n.proven) > proofAge && v.At.Sub(n.doubted) > proofAge {
			n.doubted = v.At
			from = n
		}
	}
	m.mu.Unlock()

	m.connect()
	if news {
		m.hub.Changed()
	}
	m.hub.Review(v.At, func(l *hub.Lane) bool { return proves(l.Node()) })

	// What a node says of itself proves nothing: ask another one.
	if from != nil && from.lane.InUse() {
		m.o.Refresh(v.From)
	}
}

// connect connects to the nodes that are wanted and leaves the others, but for those on
// which something is still subscribed.
func (m *Mux) connect() {
	m.mu.Lock()
	wanted := map[string]bool{}
	if m.active && !m.closed {
		wanted = m.view.nodes(m.o.Replicas)
		for _, addr := range m.hints {
			wanted[addr] = true
		}
	}
	var fresh []string
	for addr := range wanted {
		if m.nodes[addr] == nil {
			fresh = append(fresh, addr)
		}
	}
	surplus := map[string]*node{}
	for addr, n := range m.nodes {
		if !wanted[addr] {
			surplus[addr] = n
		}
	}
	m.mu.Unlock()

	for _, addr := range fresh {
		m.add(addr)
	}
	for addr, n := range surplus {
		if !n.lane.InUse() {
			m.remove(addr, n)
		}
	}
}

// add connects to a node.
func (m *Mux) add(addr string) {
	lane := m.hub.NewLane(addr)
	m.mu.Lock()
	if m.closed || m.nodes[addr] != nil {
		m.mu.Unlock()
		lane.Drop()
		return
	}
	now := time.Now()
	n := &node{lane: lane, added: now, proven: now, ready: make(chan struct{})}
	m.nodes[addr] = n
	m.mu.Unlock()
	stop, err := m.o.Connect(addr, lane) // with no lock held
	n.stop = stop
	close(n.ready)
	if err != nil {
		m.o.Logger.Warn("shard: no connection", "node", addr, "error", err)
		m.remove(addr, n)
	}
}

// remove takes a node away and closes its connection, in a goroutine: who calls may be
// what the connection waits for.
func (m *Mux) remove(addr string, n *node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.nodes[addr] != n {
		return
	}
	delete(m.nodes, addr)
	m.tasks.Go(n.close)
}

// close ends the connection and the lane.
func (n *node) close() {
	<-n.ready
	if n.stop != nil {
		n.stop()
	}
	n.lane.Drop()
}

// The pauses between attempts to find a node for what nobody serves, and between refreshes
// that tell nothing new.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 2 * time.Second
)

// refresh asks for a view, but less and less often while all views are the same: run comes back
// to it as long as there is something to find. It may be called with the hub's lock held.
func (m *Mux) refresh() (again time.Time) {
	m.mu.Lock()
	now := time.Now()
	if now.Before(m.refreshAgain) {
		defer m.mu.Unlock()
		return m.refreshAgain
	}
	m.refreshes++
	m.refreshAgain = now.Add(router{m}.Pause(m.refreshes))
	again = m.refreshAgain
	m.mu.Unlock()
	m.o.Refresh("")
	return again
}

// calm notes that nothing is to be found any more, so that the next refresh comes at once.
func (m *Mux) calm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refreshes, m.refreshAgain = 0, time.Time{}
}

// mapHints makes hints of what nodes have named, and returns of which slots.
func (m *Mux) mapHints() (groups []int) {
	m.mu.Lock()
	unmapped := maps.Clone(m.unmapped)
	m.mu.Unlock()
	for group, told := range unmapped {
		addr := m.o.MapAddr(told) // there is one, or nothing would be unmapped
		m.mu.Lock()
		if m.unmapped[group] == told { // no view has come meanwhile
			delete(m.unmapped, group)
			m.mapped[told], m.hints[group] = addr, addr
			groups = append(groups, group)
		}
		m.mu.Unlock()
	}
	return groups
}

// run asks again for what has no node, until it has one.
func (m *Mux) run() {
	var again <-chan time.Time
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.wake:
		case <-again:
		}
		again = nil
		groups := m.mapHints()
		m.connect() // hints may name nodes that are not in the view
		unconfirmed, next := m.hub.Seek(groups...)
		if unconfirmed == 0 && next.IsZero() {
			m.calm()
			continue
		}
		if refresh := m.refresh(); next.IsZero() || refresh.Before(next) {
			next = refresh
		}
		again = time.After(time.Until(next))
	}
}

// Close ends all subscriptions with err, which is their Err, and all connections, and waits
// until nothing is left.
func (m *Mux) Close(err error) {
	m.hub.Close(err)
	m.stop()
	m.mu.Lock()
	nodes := m.nodes
	if !m.closed {
		m.closed, m.nodes = true, map[string]*node{}
	} else {
		nodes = nil
	}
	m.mu.Unlock()
	for _, n := range nodes {
		m.tasks.Go(n.close)
	}
	m.tasks.Wait()
}
