package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// How long a refresh waits for nodes.
const (
	// patient bounds a refresh.
	patient = 5 * time.Second
	// hurried is how long a refresh waits for a node's answer before it asks another node, or
	// goes on with the answers that it has.
	hurried = 100 * time.Millisecond
	// opinions is how many nodes are asked, if there are that many.
	opinions = 2
)

// look asks nodes for the topology, two at a time, and returns the view to believe. It replaces
// nodes that don't answer by others.
func (c *Client) look(ctx context.Context) (*Topology, error) {
	candidates := c.candidates()
	forgotten := !c.lostAt.IsZero() && time.Since(c.lostAt) >= strangersAfter
	ctx, cancel := context.WithTimeout(ctx, patient)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()

	type answer struct {
		topology *Topology
		err      error
	}
	answers := make(chan answer, len(candidates))
	running, asked := 0, 0
	askNext := func() {
		if asked == len(candidates) {
			return
		}
		addr := candidates[asked]
		asked++
		running++
		asking.Go(func() {
			t, err := c.ask(ctx, addr, forgotten && slices.Contains(c.options.Addrs, addr))
			answers <- answer{t, err}
		})
	}
	for range opinions {
		askNext()
	}
	hedge := time.NewTicker(hurried)
	defer hedge.Stop()
	var best *Topology
	var errs []error
	for heard := 0; running > 0 && heard < opinions; {
		select {
		case a := <-answers:
			running--
			if a.err != nil {
				errs = append(errs, a.err)
				askNext()
				continue
			}
			heard++
			if c.believes(a.topology, best) {
				best = a.topology
			}
		case <-hedge.C:
			if best != nil {
				return best, nil
			}
			askNext()
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTopology, noAnswers(errs))
	}
	return best, nil
}

// believes reports whether to believe view t rather than other, which may be nil.
func (c *Client) believes(t, other *Topology) bool {
	if r := c.routes.Load(); r != nil && other != nil {
		if ours := t.resembles(r.topology); ours != other.resembles(r.topology) {
			return ours
		}
	}
	return t.better(other)
}

// candidates returns the addresses to ask, in order. The node that a MOVED has named comes
// first, because it knows the topology. Then come the nodes of the topology in random order.
// Nodes that are stalled or have not answered, and the one to avoid, come after the other nodes.
// Options.Addrs come last.
func (c *Client) candidates() []string {
	c.mu.Lock()
	avoid, named := c.avoid, c.named
	c.avoid, c.named = "", ""
	c.mu.Unlock()
	var good, bad []string
	if r := c.routes.Load(); r != nil {
		for _, n := range r.nodes() {
			if n.pulse.stands || n.suspect.Load() || n.addr == avoid {
				bad = append(bad, n.addr)
			} else {
				good = append(good, n.addr)
			}
		}
	}
	retry.Random().Shuffle(len(good), func(i, j int) { good[i], good[j] = good[j], good[i] })
	seen := map[string]bool{}
	var all []string
	for _, list := range [][]string{{named}, good, c.options.Addrs, bad} {
		for _, addr := range list {
			if addr != "" && !seen[addr] {
				seen[addr] = true
				all = append(all, addr)
			}
		}
	}
	return all
}

// strangersAfter is how long no node of the cluster may have answered until a view that has none
// of its nodes is believed, if Options.Addrs leads to it. Such a cluster was created anew.
const strangersAfter = 15 * time.Second

// errStranger reports a view of another cluster.
var errStranger = errors.New("it is of another cluster: none of the nodes is known")

// ask asks one node for the topology. If anybody is set, it accepts any node at the address.
// Otherwise it accepts only the node that is known to be there, and rejects a view of another
// cluster.
func (c *Client) ask(ctx context.Context, addr string, anybody bool) (*Topology, error) {
	var client *redis.Client
	if anybody {
		o := c.options.Node
		o.Addr = addr
		fresh, err := redis.New(o)
		if err != nil {
			return nil, err
		}
		defer fresh.Close()
		client = fresh
	} else {
		n, err := c.node(addr)
		if err != nil {
			return nil, err
		}
		client = n.client
	}
	t, err := c.askBy(ctx, client, addr)
	if err == nil && !anybody {
		if r := c.routes.Load(); r != nil && !t.resembles(r.topology) {
			return nil, fmt.Errorf("%s: %w", addr, errStranger)
		}
	}
	return t, err
}

// askBy asks the node at an address through a client.
func (c *Client) askBy(ctx context.Context, client *redis.Client, addr string) (*Topology, error) {
	t := &Topology{From: addr, At: time.Now(), OK: true}
	o := c.origin(addr)
	var b command.Batch
	shards, info := command.ClusterShards().Queue(&b), command.ClusterInfo().Queue(&b)
	err := client.Exec(ctx, &b)
	if state, failed := info.Result(); failed == nil { // otherwise the user has no permission to ask
		t.Epoch, t.OK = state.CurrentEpoch, state.OK
	}
	told, failed := shards.Result()
	var refusal *redis.ReplyError
	var unfit *command.DecodeError
	switch {
	case failed == nil:
		t.fromShards(told, o)
		if missesSlots(told) {
			t = c.completed(ctx, client, t, o)
		}
	case errors.As(failed, &refusal), errors.As(failed, &unfit):
		slots, older := client.ClusterSlots(ctx)
		if older != nil {
			return nil, older
		}
		t.fromSlots(slots, o)
	default:
		return nil, err
	}
	if t.covered() == 0 {
		return nil, fmt.Errorf("%s knows of no node that serves slots", addr)
	}
	return t, nil
}

// completed returns t with the missing slots filled in from CLUSTER SLOTS. It returns t
// unchanged if CLUSTER SLOTS has no answer.
func (c *Client) completed(ctx context.Context, client *redis.Client, t *Topology, o *origin) *Topology {
	slots, err := client.ClusterSlots(ctx)
	if err != nil {
		return t
	}
	full := &Topology{Epoch: t.Epoch, OK: t.OK, From: t.From, At: t.At, failed: t.failed}
	full.fromSlots(slots, o)
	for i, s := range full.shards {
		if slices.Contains(full.failed, s.Primary.Addr) {
			full.shards[i].Primary = Node{}
		}
	}
	return full
}

// origin returns how to read the addresses in a node's answer.
func (c *Client) origin(addr string) *origin {
	return &origin{addr: addr, tls: c.options.Node.TLS != nil, mapAddr: c.options.MapAddr}
}
