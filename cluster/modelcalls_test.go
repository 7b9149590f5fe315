package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// modelOutcome is what the client said of a request.
type modelOutcome uint8

const (
	modelUnknown modelOutcome = iota // the call has not returned
	modelDone                        // it has run
	modelNot                         // it has not: it is safe to send it again
	modelMaybe                       // its reply was lost
)

// modelCaller is a goroutine of the program that uses the client.
type modelCaller struct {
	*model
	number int
	random *rand.Rand
	made   int // requests
}

// call calls until the end.
func (m *model) call(number int) {
	c := &modelCaller{model: m, number: number, random: rand.New(rand.NewPCG(m.seed, uint64(100+number)))}
	for c.turn(time.Duration(1 + c.random.IntN(120_000_000))); !m.stopped(); c.turn(time.Duration(1 + c.random.IntN(120_000_000))) {
		ctx, cancel := c.context()
		switch n := c.random.IntN(20); {
		case n < 5:
			c.increment(ctx)
		case n < 9:
			c.read(ctx)
		case n < 12:
			c.pipeline(ctx)
		case n < 14:
			c.transaction(ctx)
		case n < 16:
			c.compareAndSet(ctx)
		case n < 18:
			c.readMany(ctx)
		default:
			c.publish(ctx)
		}
		cancel()
	}
}

// turn waits for a time, and then until the caller is the only one to go on.
func (m *model) turn(actor string, d time.Duration) {
	mine := make(chan struct{})
	m.after(actor, d, func() { close(mine) })
	<-mine
}

func (c *modelCaller) turn(d time.Duration) { c.model.turn(c.name(), d) }

func (c *modelCaller) name() string { return "caller " + strconv.Itoa(c.number) }

// sent returns a key as the caller sends it.
func (c *modelCaller) sent(key string) string { return key + modelSuffix + strconv.Itoa(c.number) }

func (m *model) stopped() bool {
	select {
	case <-m.stop:
		return true
	default:
		return false
	}
}

// context returns a context that ends some time, or never.
func (c *modelCaller) context() (context.Context, context.CancelFunc) {
	soon := time.Duration(c.random.IntN(300_000_000))
	switch c.random.IntN(4) {
	case 0:
		return context.WithCancel(context.Background())
	case 1:
		return context.WithTimeout(context.Background(), soon)
	case 2:
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(soon, cancel)
		return ctx, cancel
	}
	return context.WithTimeout(context.Background(), 10*time.Second)
}

// key returns a counter.
func (c *modelCaller) key() string {
	return modelCounters(modelTags[c.random.IntN(len(modelTags))])[c.random.IntN(2)]
}

// request returns the number of a new request.
func (c *modelCaller) request(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	id := (c.number+1)*1_000_000 + c.made
	c.requests[id] = &modelRequest{key: key}
	return id
}

// note notes what the client says of a request.
func (m *model) note(id int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.requests[id]
	defer func() { m.Hear("request %d: %v", id, r.outcome) }()
	switch {
	case err != nil && m.goesWrong("acknowledged", 5), err == nil:
		r.outcome = modelDone
		m.done[r.key]++
	case redis.SafeToRetry(err), errors.Is(err, redis.ErrTxConflict), errors.Is(err, redis.ErrMaybeExecuted) && m.goesWrong("safe", 2):
		r.outcome = modelNot
	case errors.Is(err, redis.ErrMaybeExecuted):
		r.outcome = modelMaybe
	default:
		m.t.Errorf("request %d of %s: unexpected error %v", id, r.key, err)
	}
}

// floor is the least that a read may give that begins now.
func (m *model) floor(key string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return modelBase(key) + m.done[key]
}

// checkRead checks that a value is the key's, and not too old.
func (m *model) checkRead(key string, value, floor int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	base := modelBase(key)
	if value < base || value >= base+1_000_000 {
		m.t.Errorf("%d is no value of %s, which begin with %d: it belongs to another key", value, key, base)
	} else if value < floor && !m.lossy && m.readFrom == cluster.Primary {
		m.t.Errorf("%s is %d, but %d was acknowledged before", key, value, floor)
	}
}

func (c *modelCaller) increment(ctx context.Context) {
	key := c.key()
	id := c.request(key)
	n, err := c.client.IncrBy(ctx, c.sent(key), int64(id))
	if err == nil {
		c.checkRead(key, int(n), 0)
	}
	c.note(id, err)
}

// checkReadError checks the error of a read.
func (m *model) checkReadError(err error) {
	switch {
	case errors.Is(err, redis.ErrNotSent), errors.Is(err, redis.ErrRejected), errors.Is(err, redis.ErrMaybeExecuted):
	case errors.Is(err, redis.Nil) && m.readFrom != cluster.Primary: // a replica of where the key has left
	default:
		m.t.Errorf("a read: unexpected error %v", err)
	}
}

func (c *modelCaller) read(ctx context.Context) {
	key := c.key()
	floor := c.floor(key)
	n, err := command.AsInt(command.Get(c.sent(key))).Do(ctx, c.client)
	if err != nil {
		c.checkReadError(err)
		return
	}
	c.checkRead(key, int(n), floor)
}

// pipeline reads and writes several keys at once.
func (c *modelCaller) pipeline(ctx context.Context) {
	type one struct {
		key    string
		id     int
		floor  int
		future *command.Future[int64]
	}
	var all []one
	p := c.client.Pipeline()
	for range 2 + c.random.IntN(6) {
		o := one{key: c.key()}
		if c.random.IntN(2) == 0 {
			o.id = c.request(o.key)
			o.future = p.IncrBy(c.sent(o.key), int64(o.id))
		} else {
			o.floor = c.floor(o.key)
			o.future = command.AsInt(command.Get(c.sent(o.key))).Queue(&p.Batch)
		}
		all = append(all, o)
	}
	_ = p.Exec(ctx)
	if simulated.Fault("batch") { // as if one reply was missing among them
		for i := range all[1:] {
			all[i].future = all[i+1].future
		}
	}
	written := map[string]int64{}
	for _, o := range all {
		n, err := o.future.Result()
		if err == nil {
			c.checkRead(o.key, int(n), o.floor)
			if n < written[o.key] && c.calm {
				c.t.Errorf("a batch wrote %d to %s and then read %d", written[o.key], o.key, n)
			}
			if o.id > 0 {
				written[o.key] = n
			}
		} else if o.id == 0 {
			c.checkReadError(err)
		}
		if o.id > 0 {
			c.note(o.id, err)
		}
	}
}

// transaction increments two keys of a slot, or none.
func (c *modelCaller) transaction(ctx context.Context) {
	keys := modelCounters(modelTags[c.random.IntN(len(modelTags))])
	ids := []int{c.request(keys[0]), c.request(keys[1])}
	c.mu.Lock()
	c.requests[ids[0]].tx, c.requests[ids[1]].tx = ids, ids
	c.mu.Unlock()
	var b command.Batch
	first := b.IncrBy(c.sent(keys[0]), int64(ids[0]))
	read := command.AsInt(command.Get(c.sent(keys[0]))).Queue(&b)
	second := b.IncrBy(c.sent(keys[1]), int64(ids[1]))
	var err error
	if simulated.Fault("transaction") { // as if it was none
		err = c.client.Exec(ctx, &b)
	} else {
		err = c.client.Multi(ctx, &b)
	}
	n, failed := first.Result()
	c.note(ids[0], failed)
	if err == nil {
		if again, wrong := read.Result(); wrong != nil || again != n {
			c.t.Errorf("a transaction wrote %d to %s and then read %d, %v", n, keys[0], again, wrong)
		}
		c.checkRead(keys[0], int(n), 0)
	}
	n, failed = second.Result()
	c.note(ids[1], failed)
	if err == nil {
		c.checkRead(keys[1], int(n), 0)
	}
}

// compareAndSet increments a key by reading and writing it.
func (c *modelCaller) compareAndSet(ctx context.Context) {
	// Few keys, so that there are conflicts.
	key := modelCounters(modelTags[c.random.IntN(2)])[2]
	var ids []int
	update := func(ctx context.Context, d command.Doer) (string, error) {
		id := c.request(key)
		n, err := command.AsInt(command.Get(c.sent(key))).Do(ctx, d)
		if err == nil {
			c.checkRead(key, int(n), 0)
			c.turn(time.Duration(c.random.IntN(40_000_000)))
		}
		ids = append(ids, id)
		return fmt.Sprintf("%d:%d", n+1, id), err
	}
	var err error
	if simulated.Fault("watch") { // as if nothing was watched
		var text string
		if text, err = update(ctx, c.client); err == nil {
			err = c.client.Set(ctx, c.sent(key), text)
		}
	} else {
		_, err = redis.Transaction(ctx, c.client, func(s *redis.Session, b *command.Batch) (struct{}, error) {
			text, err := update(ctx, s)
			c.mu.Lock()
			id := ids[len(ids)-1]
			c.requests[id].tx = []int{id}
			c.mu.Unlock()
			b.Set(c.sent(key), text)
			return struct{}{}, err
		}, c.sent(key))
	}
	for i, id := range ids {
		if i < len(ids)-1 {
			c.note(id, redis.ErrTxConflict) // or moved away: nothing of it has run
		} else {
			c.note(id, err)
		}
	}
	if len(ids) == 0 {
		c.checkReadError(err)
	}
}

// readMany reads keys of all slots.
func (c *modelCaller) readMany(ctx context.Context) {
	var keys, sent []string
	var floors []int
	for range 1 + c.random.IntN(8) {
		key := c.key()
		keys, sent, floors = append(keys, key), append(sent, c.sent(key)), append(floors, c.floor(key))
	}
	values, err := cluster.MGet(ctx, c.client, sent...)
	if err != nil {
		c.checkReadError(err)
	}
	for i, v := range values {
		if !v.Present {
			if err == nil {
				c.checkReadError(redis.Nil)
			}
			continue
		}
		n, _ := strconv.Atoi(v.Value)
		c.checkRead(keys[i], n, floors[i])
	}
}

// publish publishes to a shard channel, whose message is the next number.
func (c *modelCaller) publish(ctx context.Context) {
	channel := modelChannels[c.random.IntN(len(modelChannels))]
	id := c.request(channel)
	_, err := c.client.SPublish(ctx, c.sent(channel), id)
	c.note(id, err)
}
