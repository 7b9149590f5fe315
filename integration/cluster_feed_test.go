package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
)

// How feeds publish: a message on each channel in every feedEvery, from feedPublishers
// goroutines.
const (
	feedChannels   = 100
	feedPublishers = 20
	feedEvery      = 100 * time.Millisecond // 1,000 messages a second
	feedPatience   = 2 * time.Second        // of one publishing
)

// feed publishes numbered messages on shard channels of many slots, without end, and
// receives them by one subscription, while somebody does something to the cluster. At the
// end every message whose publishing was acknowledged is received, in order, or lies in a
// gap that was told in its place.
type feed struct {
	*clusterFixture
	publisher *cluster.Client
	sub       *pubsub.Subscription
	channels  []string

	stop      context.CancelFunc
	publishes sync.WaitGroup
	received  chan struct{} // closed when the subscription has ended
	errors    atomic.Int64  // of publishing

	mu        sync.Mutex
	published map[string][]feedMessage // by channel, by number
	items     []feedItem
	last      map[string]int // the last number received of each channel
}

// feedMessage is a message that was published, or may have been.
type feedMessage struct {
	at    time.Time
	acked bool
}

// feedItem is something received: a message, or a gap.
type feedItem struct {
	channel string
	number  int
	gap     *pubsub.Gap
}

// startFeed subscribes, and begins to publish.
func (f *clusterFixture) startFeed(client, publisher *cluster.Client) *feed {
	f.Helper()
	d := &feed{clusterFixture: f, publisher: publisher, received: make(chan struct{}), published: map[string][]feedMessage{}, last: map[string]int{}}
	for i := range feedChannels {
		d.channels = append(d.channels, "feed"+strconv.Itoa(i))
	}
	var err error
	d.sub, err = client.NewShardSubscription(f.ctx, pubsub.ShardChannels(d.channels...), pubsub.GapMarkers(), pubsub.Buffer(1<<20, 1<<30))
	if err != nil {
		f.Fatal(err)
	}
	go d.receive()
	var ctx context.Context
	ctx, d.stop = context.WithCancel(f.ctx)
	for i := range feedPublishers {
		d.publishes.Go(func() { d.publish(ctx, d.channels[i*feedChannels/feedPublishers:(i+1)*feedChannels/feedPublishers]) })
	}
	return d
}

// publish publishes on some channels in turn.
func (d *feed) publish(ctx context.Context, channels []string) {
	ticker := time.NewTicker(feedEvery / time.Duration(len(channels)))
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		d.send(channels[i%len(channels)])
	}
}

// send publishes the next message of a channel.
func (d *feed) send(channel string) {
	d.mu.Lock()
	number := len(d.published[channel])
	d.published[channel] = append(d.published[channel], feedMessage{at: time.Now()})
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(d.ctx, feedPatience)
	defer cancel()
	_, err := d.publisher.SPublish(ctx, channel, number)
	d.mu.Lock()
	d.published[channel][number].acked = err == nil
	d.mu.Unlock()
	if err != nil {
		d.errors.Add(1)
	}
}

// receive notes what comes.
func (d *feed) receive() {
	defer close(d.received)
	for msg := range d.sub.Messages() {
		item := feedItem{channel: msg.Channel, gap: msg.Gap}
		item.number, _ = strconv.Atoi(msg.Payload)
		d.mu.Lock()
		d.items = append(d.items, item)
		if item.gap == nil {
			d.last[item.channel] = max(d.last[item.channel], item.number)
		}
		d.mu.Unlock()
	}
}

// flows waits until a message of each channel has come that is published from now on, which
// nobody but the client does anything for.
func (d *feed) flows(what string) {
	d.Helper()
	d.mu.Lock()
	from := map[string]int{}
	for _, channel := range d.channels {
		from[channel] = len(d.published[channel])
	}
	d.mu.Unlock()
	began := time.Now()
	d.eventually("messages of all channels after "+what, func() bool {
		if err := d.sub.Err(); err != nil {
			d.Fatalf("after %s, the subscription has ended: %v", what, err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		for channel, n := range from {
			if d.last[channel] < n {
				return false
			}
		}
		return true
	})
	d.Logf("%s: all channels flow again %v later", what, time.Since(began).Round(time.Millisecond))
}

// end stops publishing, receives what is on its way, and checks.
func (d *feed) end() {
	d.Helper()
	d.stop()
	d.publishes.Wait()
	for _, channel := range d.channels { // one more, which tells of what is missing in front of it
		d.send(channel)
	}
	d.mu.Lock()
	want := maps.Clone(d.last)
	for _, channel := range d.channels {
		want[channel] = len(d.published[channel]) - 1
	}
	d.mu.Unlock()
	d.eventually("the last messages", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return maps.Equal(d.last, want)
	})
	if err := d.sub.Close(); err != nil {
		d.Error(err)
	}
	<-d.received
	d.check()
}

// check holds what was received against what was published.
func (d *feed) check() {
	d.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	var gaps []int
	place := map[string]map[int]int{} // where each message came
	last := map[string]int{}
	unproven := map[string]bool{}
	twice := 0
	reasons := map[pubsub.Reason]int{}
	for i, item := range d.items {
		if item.gap != nil {
			gaps = append(gaps, i)
			reasons[item.gap.Reason]++
			for _, channel := range d.channels {
				unproven[channel] = true
			}
			continue
		}
		if !d.published[item.channel][item.number].acked {
			// Whoever published it was told that it may not have run. A node that was
			// paused delivers it when it goes on.
			continue
		}
		before, ok := last[item.channel]
		switch {
		case ok && item.number <= before && !unproven[item.channel]:
			d.Errorf("%s: message %d came after %d, without a gap in between", item.channel, item.number, before)
		case ok && item.number <= before:
			twice++
		}
		unproven[item.channel] = false
		last[item.channel] = item.number
		if place[item.channel] == nil {
			place[item.channel] = map[int]int{}
		}
		place[item.channel][item.number] = i
	}
	missing, total := 0, 0
	for _, channel := range d.channels {
		from, lost := -1, -1
		for number, message := range d.published[channel] {
			total++
			if !message.acked {
				continue
			}
			at, ok := place[channel][number]
			if !ok {
				missing++
				lost = number
				continue
			}
			if lost >= 0 && !slices.ContainsFunc(gaps, func(gap int) bool { return gap > from && gap <= at }) {
				d.Errorf("%s: message %d, published at %v, is missing between items %d and %d, and no gap tells of it",
					channel, lost, d.published[channel][lost].at.Format("05.000"), from, at)
			}
			from, lost = at, -1
		}
		if lost >= 0 {
			d.Errorf("%s: the last message, %d, is missing", channel, lost)
		}
	}
	d.Logf("%d messages published, %d with an error; %d missing in %d gaps %v, %d twice", total, d.errors.Load(), missing, len(gaps), reasons, twice)
}

// counters increments counters in many slots by pipelines, without end, and knows between
// which bounds they are.
type counters struct {
	*clusterFixture
	client *cluster.Client
	stop   context.CancelFunc
	tasks  sync.WaitGroup

	mu           sync.Mutex
	acked, maybe map[string]int64
	failed       map[string]int // pipelines, by what their error says
}

func (f *clusterFixture) startCounters(client *cluster.Client) *counters {
	c := &counters{clusterFixture: f, client: client, acked: map[string]int64{}, maybe: map[string]int64{}, failed: map[string]int{}}
	var ctx context.Context
	ctx, c.stop = context.WithCancel(f.ctx)
	for worker := range 4 {
		c.tasks.Go(func() {
			for ctx.Err() == nil {
				c.increment(worker)
			}
		})
	}
	return c
}

// increment runs one pipeline.
func (c *counters) increment(worker int) {
	ctx, cancel := context.WithTimeout(c.ctx, feedPatience)
	defer cancel()
	p := c.client.Pipeline()
	type one struct {
		key    string
		result interface{ Result() (int64, error) }
	}
	var all []one
	for i := range 16 {
		key := fmt.Sprintf("counter%d", (worker*7+i*13)%feedChannels)
		all = append(all, one{key, p.Incr(key)})
	}
	err := p.Exec(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed[err.Error()]++
	}
	for _, one := range all {
		switch _, err := one.result.Result(); {
		case err == nil:
			c.acked[one.key]++
		case errors.Is(err, redis.ErrMaybeExecuted):
			c.maybe[one.key]++
		case !redis.SafeToRetry(err):
			c.Errorf("INCR %s: %v", one.key, err)
		}
	}
}

// end stops, and checks. lossy: a primary failed, which loses what it had acknowledged and
// not passed on yet.
func (c *counters) end(lossy bool) {
	c.Helper()
	c.stop()
	c.tasks.Wait()
	var total, maybe int64
	for key, acked := range c.acked {
		text, err := c.client.Get(c.ctx, key)
		if lossy && errors.Is(err, redis.Nil) {
			err = nil
		}
		if err != nil {
			c.Errorf("GET %s: %v", key, err)
			continue
		}
		n, _ := strconv.ParseInt(text, 10, 64)
		if n < acked && !lossy || n > acked+c.maybe[key] {
			c.Errorf("%s is %d; %d were acknowledged, and %d more may have run", key, n, acked, c.maybe[key])
		}
		total += acked
		maybe += c.maybe[key]
	}
	if total == 0 {
		c.Error("nothing was counted")
	}
	c.Logf("%d increments acknowledged, %d more may have run, %d pipelines with an error", total, maybe, len(c.failed))
}
