package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
)

// chat is the conversation of one member. All of it belongs to the goroutine of
// run.
type chat struct {
	room  *room
	out   *screen
	shown []string // IDs of the last entries shown that stay in the history
}

// run enters the room, talks until ctx ends, /quit is typed or in ends, and
// leaves.
//
// A read from a terminal can't be cancelled: the goroutine that reads in ends
// with in, or with the program.
func run(ctx context.Context, url, name, roomName string, in io.Reader, out *screen) error {
	if strings.TrimSpace(name) == "" || strings.TrimSpace(roomName) == "" {
		return errors.New("you and the room need a name")
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	options.SubscriberBackoff.Max = 2 * time.Second // people are waiting
	client, err := redis.OpenWith(ctx, options)
	if err != nil {
		return err
	}
	defer client.Close()
	defer out.end()

	// The conversation goes on a little after the end of ctx: leaving has to be
	// told.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	c := &chat{room: newRoom(client, roomName, name), out: out}

	// Subscribed first, then history: nothing falls between the two.
	sub, err := c.room.subscribe(life)
	if err != nil {
		return err
	}
	defer sub.Close()
	if err := c.catchUp(life, "before"); err != nil {
		return err
	}
	if err := c.room.enter(life); err != nil {
		return err
	}
	c.out.note("you are %s in %s; /who, /me waves, /quit", name, roomName)
	err = c.talk(ctx, life, sub, readLines(life, in))
	c.out.note("you have left %s", roomName)
	return err
}

// talk is the loop. ctx says when to leave, life bounds the leaving too.
func (c *chat) talk(ctx, life context.Context, sub *pubsub.Subscription, lines <-chan string) error {
	heartbeats := time.NewTicker(heartbeat)
	defer heartbeats.Stop()
	interrupted, events, beats := ctx.Done(), sub.Events(), heartbeats.C
	var farewell string          // the ID of the entry that says that we left
	var tooLong <-chan time.Time // when we stop waiting for it to come back
	leave := func() (over bool) {
		interrupted, lines, beats = nil, nil, nil
		tooLong = time.After(patience)
		var err error
		farewell, err = c.room.leave(life)
		return err != nil // the others will miss our heartbeat
	}

	for {
		select {
		case msg, ok := <-sub.Messages():
			if !ok {
				return sub.Err()
			}
			if msg.Kind == pubsub.KindGap {
				c.gap(life, msg.Gap)
				if beats != nil {
					c.room.stay(life) // our name may be gone too
				}
				continue
			}
			e, err := decode(msg.Payload)
			if err != nil {
				c.out.note("%v", err)
				continue
			}
			if farewell != "" && e.ID == farewell {
				return nil // and all that was said before has been shown
			}
			c.show(e)

		case event, ok := <-events:
			switch {
			case !ok:
				events = nil // Messages tells why
			case event.Kind == pubsub.EventDisconnected:
				c.out.note("the link is lost: %v; trying again", event.Err)
			}

		case line, ok := <-lines:
			if ok {
				c.out.entered()
			}
			if !ok || line == "/quit" {
				if leave() {
					return nil
				}
				continue
			}
			c.obey(life, line)

		case <-beats:
			c.room.stay(life)

		case <-interrupted:
			if leave() {
				return nil
			}

		case <-tooLong:
			return nil
		}
	}
}

// obey does what a typed line asks for.
func (c *chat) obey(ctx context.Context, line string) {
	order, rest, _ := strings.Cut(line, " ")
	var err error
	switch {
	case strings.TrimSpace(line) == "":
	case !strings.HasPrefix(line, "/"):
		err = c.room.say(ctx, said, line)
	case order == "/me":
		err = c.room.say(ctx, does, rest)
	case order == "/who":
		var names []string
		if names, err = c.room.who(ctx); err == nil {
			c.out.note("here: %s", printable(strings.Join(names, ", ")))
		}
	default:
		c.out.note("there is no %s; there are /who, /me, /quit", printable(order))
	}
	switch {
	case redis.SafeToRetry(err):
		c.out.note("not sent; say it again in a while")
	case err != nil:
		c.out.note("maybe sent, maybe not: %v", err)
	}
}

// gap tells how long the link was away, and what was said meanwhile.
func (c *chat) gap(ctx context.Context, gap *pubsub.Gap) {
	c.out.note("messages may be missing (%v) from %s on, for %v", gap.Reason,
		gap.From.Format(time.TimeOnly), gap.Duration().Round(100*time.Millisecond))
	if err := c.catchUp(ctx, "meanwhile"); err != nil {
		c.out.note("no history: %v", err)
	}
}

// catchUp shows the part of the history that was not shown yet: what was said
// before, or meanwhile.
func (c *chat) catchUp(ctx context.Context, when string) error {
	items, err := c.room.recent(ctx)
	if err != nil {
		return err
	}
	var entries []entry
	for _, item := range items {
		e, err := decode(item)
		if err != nil {
			c.out.note("%v", err)
			continue
		}
		entries = append(entries, e)
	}
	entries = slices.DeleteFunc(entries, c.wasShown)
	if len(entries) > 0 {
		c.out.note("said %s:", when)
	}
	for _, e := range entries {
		c.show(e)
	}
	return nil
}

// show shows an entry, once: it may come from the channel and the history.
func (c *chat) show(e entry) {
	if c.wasShown(e) {
		return
	}
	if e.Kind == said || e.Kind == does {
		c.shown = append(c.shown, e.ID)
	}
	if len(c.shown) > 2*historyLength {
		c.shown = slices.Delete(c.shown, 0, historyLength)
	}
	c.out.entry(e)
}

func (c *chat) wasShown(e entry) bool { return slices.Contains(c.shown, e.ID) }

// readLines delivers the lines of in, until it ends or ctx does.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}
