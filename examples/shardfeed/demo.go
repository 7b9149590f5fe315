//go:build !windows

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
)

// demo is a cluster of its own, to which things happen: three primaries with a replica each,
// of the newest version that this machine has.
type demo struct{ cluster *servers.Cluster }

// How often something happens.
const (
	stepEvery = 3 * time.Second
	killEvery = 6 // steps
)

// startDemo starts the cluster. What takes long is told to progress. ctx bounds the start.
func startDemo(ctx context.Context, progress io.Writer) (*demo, error) {
	if err := servers.Setup(ctx, progress); err != nil {
		return nil, err
	}
	versions, err := servers.Available(ctx)
	if err != nil {
		return nil, errors.Join(err, servers.Close())
	}
	newest := versions[len(versions)-1]
	fmt.Fprintf(progress, "starting a cluster of %v, six nodes; this takes some seconds\n", newest)
	cluster, err := servers.StartCluster(ctx, newest, servers.ClusterConfig{Replicas: 1})
	if err != nil {
		return nil, errors.Join(err, servers.Close())
	}
	return &demo{cluster}, nil
}

// close ends the cluster.
func (d *demo) close() error { return errors.Join(d.cluster.Close(), servers.Close()) }

// url returns what connects to the cluster.
func (d *demo) url() string { return "redis+cluster://" + strings.Join(d.cluster.Addrs(), ",") }

// run moves a slot every now and then, and sometimes kills a primary, until ctx ends. It
// tells notes what it does.
func (d *demo) run(ctx context.Context, symbols []string, notes chan<- string) error {
	ticker := time.NewTicker(stepEvery)
	defer ticker.Stop()
	note := func(text string) {
		select {
		case notes <- text:
		case <-ctx.Done():
		}
	}
	for step := 1; ; step++ {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		symbol := symbols[step%len(symbols)]
		do := d.move
		if step%killEvery == 0 {
			do = d.kill
		}
		if err := do(ctx, symbol, note); err != nil {
			return err
		}
	}
}

// move moves a symbol's slot to another primary.
func (d *demo) move(ctx context.Context, symbol string, note func(string)) error {
	number := slot.Of(channel(symbol))
	view, err := d.cluster.Agreed(ctx)
	if err != nil {
		return err
	}
	from := view.Owner(number)
	to := nextPrimary(view, from)
	if from == nil || to == nil {
		return fmt.Errorf("slot %d has nowhere to go", number)
	}
	note(fmt.Sprintf("demo: slot %d, that of %s, goes to %s", number, symbol, to.Addr))
	return d.cluster.MigrateSlot(ctx, number, from, to)
}

// nextPrimary returns the primary behind another one; nil where there is no other.
func nextPrimary(view servers.View, node *servers.Node) *servers.Node {
	var first, next *servers.Node
	behind := false
	for _, member := range view {
		switch {
		case member.Node == node:
			behind = true
		case !member.Primary || len(member.Slots) == 0:
		case behind && next == nil:
			next = member.Node
		case first == nil:
			first = member.Node
		}
	}
	if next == nil {
		return first
	}
	return next
}

// kill kills the primary that serves a symbol, and starts it again when its replica has taken
// its place.
func (d *demo) kill(ctx context.Context, symbol string, note func(string)) error {
	view, err := d.cluster.Agreed(ctx)
	if err != nil {
		return err
	}
	primary := view.Owner(slot.Of(channel(symbol)))
	if primary == nil {
		return fmt.Errorf("nobody serves %s", symbol)
	}
	replicas := view.Replicas(primary)
	if len(replicas) == 0 {
		return fmt.Errorf("%s has no replica", primary.Addr)
	}
	note(fmt.Sprintf("demo: %s, which serves %s, is killed", primary.Addr, symbol))
	if err := primary.Kill(ctx); err != nil {
		return err
	}
	if err := d.cluster.AwaitPromoted(ctx, replicas[0], primary); err != nil {
		return err
	}
	note(fmt.Sprintf("demo: %s has taken its place; it is started again", replicas[0].Addr))
	if err := primary.Start(ctx); err != nil {
		return err
	}
	return d.cluster.AwaitHealthy(ctx)
}
