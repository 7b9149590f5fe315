package servers

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// MigrateSlot moves a slot with its keys from its primary to another, while clients
// use it, and returns when all nodes see it there.
func (c *Cluster) MigrateSlot(ctx context.Context, number int, from, to *Node) error {
	if err := c.OpenSlot(ctx, number, from, to); err != nil {
		return err
	}
	for {
		moved, err := c.MoveKeys(ctx, number, from, to, 100)
		if err != nil {
			return err
		}
		if moved == 0 {
			break
		}
	}
	return c.AssignSlot(ctx, number, from, to)
}

// OpenSlot begins the move of a slot: its primary answers ASK for keys that it doesn't
// have, and the other serves what comes behind ASKING. Behind another change of owners
// it waits until all nodes know of that, about half of NodeTimeout.
func (c *Cluster) OpenSlot(ctx context.Context, number int, from, to *Node) error {
	if err := c.settle(ctx); err != nil {
		return err
	}
	slot := strconv.Itoa(number)
	if err := to.run(ctx, []string{"CLUSTER", "SETSLOT", slot, "IMPORTING", from.ID()}); err != nil {
		return err
	}
	return from.run(ctx, []string{"CLUSTER", "SETSLOT", slot, "MIGRATING", to.ID()})
}

// CloseSlot ends the move of a slot that was opened and not assigned. Keys that were
// moved stay where they are.
func (c *Cluster) CloseSlot(ctx context.Context, number int, from, to *Node) error {
	stable := []string{"CLUSTER", "SETSLOT", strconv.Itoa(number), "STABLE"}
	if err := from.run(ctx, stable); err != nil {
		return err
	}
	return to.run(ctx, stable)
}

// MoveKeys moves at most so many keys of an open slot and returns how many it has
// moved: 0 when none is left.
func (c *Cluster) MoveKeys(ctx context.Context, number int, from, to *Node, limit int) (int, error) {
	reply, err := from.Call(ctx, "CLUSTER", "GETKEYSINSLOT", strconv.Itoa(number), strconv.Itoa(limit))
	if err != nil || len(reply.Elements) == 0 {
		return 0, err
	}
	const timeout = "5000" // in milliseconds
	words := []string{"MIGRATE", loopback, strconv.Itoa(to.port()), "", "0", timeout}
	if c.config.Password != "" {
		words = append(words, "AUTH", c.config.Password)
	}
	words = append(words, "KEYS")
	for _, key := range reply.Elements {
		words = append(words, key.Text)
	}
	return len(reply.Elements), from.run(ctx, words)
}

// AssignSlot ends the move of a slot: first its new primary is told, then the old
// one, then the others. It returns when all nodes see it so.
func (c *Cluster) AssignSlot(ctx context.Context, number int, from, to *Node) error {
	view, err := c.View(ctx, to)
	if err != nil {
		return err
	}
	told := []*Node{to, from}
	for _, member := range view {
		// Replicas can't be told; they learn it from their primaries.
		if member.Primary && !slices.Contains(told, member.Node) && member.Node != nil && member.Node.Answering() {
			told = append(told, member.Node)
		}
	}
	for _, node := range told {
		if err := node.run(ctx, []string{"CLUSTER", "SETSLOT", strconv.Itoa(number), "NODE", to.ID()}); err != nil {
			return err
		}
	}
	return c.AwaitOwner(ctx, number, to)
}

// DelSlots takes slots from whom they belong to, at every node, and returns when all
// nodes see that nobody serves them.
func (c *Cluster) DelSlots(ctx context.Context, numbers ...int) error {
	// The owner first, which would otherwise go on to claim them.
	view, err := c.Agreed(ctx)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		nodes := c.answering(nil)
		owner := view.Owner(number)
		slices.SortStableFunc(nodes, func(a, b *Node) int {
			switch owner {
			case a:
				return -1
			case b:
				return 1
			}
			return 0
		})
		err := await(ctx, fmt.Sprintf("slot %d without an owner", number), func() error {
			var found error
			for _, node := range nodes {
				view, err := c.View(ctx, node)
				if err != nil {
					return err
				}
				if owner := view.Owner(number); owner != nil {
					found = fmt.Errorf("%s sees it at %s", node.Addr, owner.Addr)
					// A claim that was on its way may have come since; so all are
					// looked at once more.
					if err := node.run(ctx, []string{"CLUSTER", "DELSLOTS", strconv.Itoa(number)}); err != nil {
						return err
					}
				}
			}
			return found
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// AddSlots gives slots that nobody serves to a primary, and returns when all nodes
// see it and serve commands.
func (c *Cluster) AddSlots(ctx context.Context, owner *Node, numbers ...int) error {
	if err := c.settle(ctx); err != nil {
		return err
	}
	words := []string{"CLUSTER", "ADDSLOTS"}
	for _, number := range numbers {
		words = append(words, strconv.Itoa(number))
	}
	// The highest epoch wins, should a node that doesn't answer now come back and
	// claim the slots for whom they belonged to.
	if err := owner.run(ctx, words, []string{"CLUSTER", "BUMPEPOCH"}); err != nil {
		return err
	}
	for _, number := range numbers {
		if err := c.AwaitOwner(ctx, number, owner); err != nil {
			return err
		}
	}
	return c.AwaitOK(ctx)
}
