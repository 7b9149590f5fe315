package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

const (
	historyLength = 50             // entries that a room remembers
	historyLife   = 24 * time.Hour // of a room where nobody speaks
	heartbeat     = 5 * time.Second
	presence      = 3 * heartbeat // without a heartbeat one is gone
	patience      = 2 * time.Second
)

// room is one member's view of a chat room. On the server a room is
//
//	chat:{name}           a channel, which carries entries
//	chat:{name}:history   a list of entries, the newest first
//	chat:{name}:here      a sorted set of names by the time until they count as here
type room struct {
	client *redis.Client
	me     string

	channel, history, here string
}

func newRoom(client *redis.Client, name, me string) *room {
	channel := "chat:{" + name + "}"
	return &room{client: client, me: me, channel: channel, history: channel + ":history", here: channel + ":here"}
}

// entry is what travels over the channel and stays in the history, as JSON.
type entry struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	From string    `json:"from"`
	Kind kind      `json:"kind"`
	Text string    `json:"text,omitempty"`
}

type kind string

const (
	joined kind = "joined"
	left   kind = "left"
	said   kind = "said"
	does   kind = "does" // "/me waves"
)

var errNameTaken = errors.New("someone of that name is in the room: take another with -name")

// subscribe subscribes to the room. Gaps come as items of their own, so that
// what was missed can be looked up before somebody speaks again.
func (r *room) subscribe(ctx context.Context) (*pubsub.Subscription, error) {
	return r.client.NewSubscription(ctx, pubsub.Channels(r.channel), pubsub.GapMarkers())
}

// enter takes the name and tells the others.
func (r *room) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var b command.Batch
	b.ZRemRangeByScore(r.here, command.Score(math.Inf(-1)), command.Score(unix(time.Now())))
	added := b.ZAdd(r.here, r.presence(), command.NX)
	if err := r.client.Exec(ctx, &b); err != nil {
		return err
	}
	if added.Value() == 0 {
		return errNameTaken
	}
	_, err := r.tell(ctx, joined, "", nil)
	return err
}

// stay is the heartbeat. Nobody needs to wait for its result: the next comes
// soon.
func (r *room) stay(ctx context.Context) { command.ZAdd(r.here, r.presence()).Go(ctx, r.client) }

func (r *room) presence() command.Scores {
	return command.Scores{r.me: unix(time.Now().Add(presence))}
}

// leave gives the name free and tells the others. It returns the entry's ID.
func (r *room) leave(ctx context.Context) (string, error) {
	return r.tell(ctx, left, "", func(b *command.Batch, _ []byte) { b.ZRem(r.here, r.me) })
}

// say speaks, for now and for the history.
func (r *room) say(ctx context.Context, k kind, text string) error {
	_, err := r.tell(ctx, k, text, func(b *command.Batch, data []byte) {
		b.LPush(r.history, data)
		b.LTrim(r.history, 0, historyLength-1)
		b.Expire(r.history, historyLife)
	})
	return err
}

// tell publishes an entry; more, which may be nil, adds to the batch.
func (r *room) tell(ctx context.Context, k kind, text string, more func(*command.Batch, []byte)) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e := entry{ID: rand.Text(), Time: time.Now(), From: r.me, Kind: k, Text: text}
	data, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	var b command.Batch
	if more != nil {
		more(&b, data)
	}
	b.Publish(r.channel, data)
	return e.ID, r.client.Exec(ctx, &b)
}

// recent returns the history, the oldest entry first, as [decode] takes it.
func (r *room) recent(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	items, err := r.client.LRange(ctx, r.history, 0, historyLength-1)
	if err != nil {
		return nil, err
	}
	slices.Reverse(items)
	return items, nil
}

// who returns the names of who is here.
func (r *room) who(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	members, err := r.client.ZRangeWithScores(ctx, r.here, command.ByRank(0, -1))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range members {
		if m.Score > unix(time.Now()) {
			names = append(names, m.Member)
		}
	}
	slices.Sort(names)
	return names, nil
}

func decode(payload string) (entry, error) {
	var e entry
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		return e, fmt.Errorf("what arrived is no entry of a chat: %w", err)
	}
	return e, nil
}

// unix is t as a score: seconds since 1970.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
