package servers

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
)

// Member is a node of a cluster as another node, or it itself, sees it.
type Member struct {
	Node      *Node  // nil where the ID is none of the cluster's: a handshake goes on
	ID        string // for a handshake a passing one
	Primary   bool
	PrimaryID string   // of a replica
	Flags     []string // "myself", "master", "fail?", "fail", "handshake", ...
	Epoch     int
	Connected bool      // by a link of the bus that the asked node has made
	Pong      time.Time // when the asked node heard an answer last; zero: never
	Slots     []slot.Range
}

// Is reports whether the member has a flag.
func (m Member) Is(flag string) bool { return slices.Contains(m.Flags, flag) }

// View is what one node knows of the cluster: every node that it knows, itself
// included, in the order of their IDs.
type View []Member

// View asks one node for its view, by CLUSTER NODES.
func (c *Cluster) View(ctx context.Context, asked *Node) (View, error) {
	text, err := asked.Command(ctx, "CLUSTER", "NODES")
	if err != nil {
		return nil, err
	}
	var view View
	for line := range strings.Lines(text) {
		member, err := parseMember(line)
		if err != nil {
			return nil, fmt.Errorf("CLUSTER NODES at %s: %w", asked.Addr, err)
		}
		member.Node = c.Node(member.ID)
		view = append(view, member)
	}
	slices.SortFunc(view, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	return view, nil
}

// parseMember reads a line of CLUSTER NODES: ID, address, flags, primary, two times,
// epoch, link state, slots.
func parseMember(line string) (Member, error) {
	fields := strings.Fields(line)
	if len(fields) < 8 {
		return Member{}, fmt.Errorf("line of %d fields: %q", len(fields), line)
	}
	m := Member{ID: fields[0], Flags: strings.Split(fields[2], ","), Connected: fields[7] == "connected"}
	m.Primary = m.Is("master")
	if fields[3] != "-" {
		m.PrimaryID = fields[3]
	}
	var err error
	if m.Epoch, err = strconv.Atoi(fields[6]); err != nil {
		return Member{}, err
	}
	pong, err := strconv.ParseInt(fields[5], 10, 64)
	if err != nil {
		return Member{}, err
	}
	if pong > 0 {
		m.Pong = time.UnixMilli(pong)
	}
	for _, field := range fields[8:] {
		if strings.HasPrefix(field, "[") {
			continue // a slot that is open at the node asked
		}
		slots, err := slot.Parse(field)
		if err != nil {
			return Member{}, err
		}
		m.Slots = append(m.Slots, slots)
	}
	return m, nil
}

// Of returns a node's own line.
func (v View) Of(node *Node) (Member, bool) {
	for _, member := range v {
		if member.ID == node.ID() {
			return member, true
		}
	}
	return Member{}, false
}

// Owner returns the primary that serves a slot; nil for none.
func (v View) Owner(number int) *Node {
	for _, member := range v {
		for _, slots := range member.Slots {
			if slots.Contains(number) {
				return member.Node
			}
		}
	}
	return nil
}

// Replicas returns the replicas of a primary.
func (v View) Replicas(primary *Node) []*Node {
	var replicas []*Node
	for _, member := range v {
		if member.PrimaryID == primary.ID() {
			replicas = append(replicas, member.Node)
		}
	}
	return replicas
}

// roles is what nodes have to agree on: who is known, who replicates whom, and who
// has which slots.
func (v View) roles() string {
	var text strings.Builder
	for _, m := range v {
		fmt.Fprintln(&text, m.ID, m.Primary, m.PrimaryID, m.Slots)
	}
	return text.String()
}

// Agreed waits until all nodes, or those given, see the same roles and slots, and
// returns the view of the first of them. The nodes may still differ in whom they
// reach.
func (c *Cluster) Agreed(ctx context.Context, among ...*Node) (View, error) {
	var first View
	err := await(ctx, "nodes that agree", func() error {
		first = nil
		for _, node := range c.answering(among) {
			view, err := c.View(ctx, node)
			switch {
			case err != nil:
				return err
			case first == nil:
				first = view
			case view.roles() != first.roles():
				return fmt.Errorf("%s sees\n%sbut another\n%s", node.Addr, view.roles(), first.roles())
			}
		}
		return nil
	})
	return first, err
}

// NodeOf waits until all nodes agree and returns the primary that serves a slot; nil
// where nobody does.
func (c *Cluster) NodeOf(ctx context.Context, number int) (*Node, error) {
	view, err := c.Agreed(ctx)
	return view.Owner(number), err
}

// ReplicasOf waits until all nodes agree and returns the replicas of a primary.
func (c *Cluster) ReplicasOf(ctx context.Context, primary *Node) ([]*Node, error) {
	view, err := c.Agreed(ctx)
	return view.Replicas(primary), err
}

// PrimaryOf waits until all nodes agree and returns the primary of a replica; nil for
// a node that is none.
func (c *Cluster) PrimaryOf(ctx context.Context, replica *Node) (*Node, error) {
	view, err := c.Agreed(ctx)
	member, _ := view.Of(replica)
	if member.PrimaryID == "" {
		return nil, err
	}
	return c.Node(member.PrimaryID), err
}
