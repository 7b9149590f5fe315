package integration

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// publication is one numbered message: when it was sent at the earliest and at the
// latest, by the clock that gaps are told by, and what became of it.
type publication struct {
	from, to time.Time
	err      error
}

// publisher publishes the numbers from 0 until it is stopped, one after the other.
type publisher struct {
	client *redis.Client
	stop   context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	sent []publication
}

// startPublisher starts a publisher, which ends with the test at the latest.
func (f *fixture) startPublisher(client *redis.Client) *publisher {
	ctx, stop := context.WithCancel(f.ctx)
	p := &publisher{client: client, stop: stop, done: make(chan struct{})}
	f.Cleanup(func() { stop(); <-p.done })
	go func() {
		defer close(p.done)
		for n := 0; ctx.Err() == nil; n++ {
			from := time.Now()
			// The test's own context: stopping must not cut off a PUBLISH.
			_, err := client.Publish(f.ctx, "numbers", n)
			p.mu.Lock()
			p.sent = append(p.sent, publication{from, time.Now(), err})
			p.mu.Unlock()
		}
	}()
	return p
}

// count returns how many numbers have been published.
func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

// follower reads a publisher's numbers and notes the gaps.
type follower struct {
	*fixture
	sub      *pubsub.Subscription
	received map[int]bool
	last     int // the number received last; -1: none
	gaps     []pubsub.Gap
}

func (f *fixture) follow(sub *pubsub.Subscription) *follower {
	return &follower{fixture: f, sub: sub, received: map[int]bool{}, last: -1}
}

// step reads one message. Without a Gap it must have the number behind the last
// one: nothing is lost, repeated or in another order silently.
func (r *follower) step() {
	r.Helper()
	msg := r.next(r.sub)
	n, err := strconv.Atoi(msg.Payload)
	if err != nil {
		r.Fatalf("got %v", msg)
	}
	switch {
	case msg.Gap != nil:
		r.gaps = append(r.gaps, *msg.Gap)
		if n <= r.last {
			r.Errorf("behind the gap came %d, before it %d", n, r.last)
		}
	case r.last >= 0 && n != r.last+1:
		r.Errorf("%d came behind %d without a gap", n, r.last)
	}
	r.received[n] = true
	r.last = n
}

// until reads until so many gaps are told and some messages more have come.
func (r *follower) until(gaps int) {
	r.Helper()
	for len(r.gaps) < gaps {
		r.step()
	}
	for range 50 {
		r.step()
	}
}

// onTheWay is how much earlier than a gap's From a number that it covers may have been
// published: the server may die between its answer to the publisher and its message to the
// subscriber, while that reads, late on a busy machine, what came before.
const onTheWay = time.Second

// finish stops the publisher, reads the rest, and accounts for every number that
// was published: it was received, or its time lies within a gap, or it never was
// published for what its publisher can know. That the gap is told in its place step has
// checked.
func (r *follower) finish(p *publisher) {
	r.Helper()
	p.stop()
	<-p.done
	for last := len(p.sent) - 1; r.last < last; {
		if errors.Is(p.sent[last].err, redis.ErrNotSent) {
			last--
			continue
		}
		r.step()
	}
	lost := 0
	for n, sent := range p.sent {
		if r.received[n] || errors.Is(sent.err, redis.ErrNotSent) {
			continue
		}
		lost++
		told := false
		for _, gap := range r.gaps {
			told = told || sent.to.After(gap.From.Add(-onTheWay)) && !sent.from.After(gap.To)
		}
		if !told {
			r.Errorf("%d is lost, published between %v and %v (%v), outside of all gaps %v",
				n, sent.from.Format(clock), sent.to.Format(clock), sent.err, r.gapTimes())
		}
	}
	r.Logf("%d published, %d lost in %d gaps", len(p.sent), lost, len(r.gaps))
}

const clock = "05.000000"

func (r *follower) gapTimes() (times []string) {
	for _, gap := range r.gaps {
		times = append(times, gap.From.Format(clock)+"-"+gap.To.Format(clock))
	}
	return times
}

// soon returns options that connect again quickly.
func (f *fixture) soon() redis.Options {
	options := f.options()
	options.Backoff = redis.Backoff{Base: time.Millisecond, Max: 20 * time.Millisecond}
	options.SubscriberBackoff = options.Backoff
	return options
}

// TestSubscriberKilled closes the subscriber connection several times under a
// consumer and a publisher that go on.
func TestSubscriberKilled(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		sub := f.subscribe(f.openWith(f.soon()), pubsub.Channels("numbers"), pubsub.Buffer(1<<20, 64<<20))
		p := f.startPublisher(f.open())
		r := f.follow(sub)
		const kills = 5
		for kill := range kills {
			from := p.count()
			for r.last < from+100 { // it flows
				r.step()
			}
			equal(f, c, command.ClientKill(command.WhereType("pubsub")), 1)
			r.until(kill + 1)
		}
		r.finish(p)
		if len(r.gaps) != kills {
			f.Errorf("%d gaps of %d losses", len(r.gaps), kills)
		}
		for _, gap := range r.gaps {
			if gap.Reason != pubsub.Reconnect || gap.Dropped != 0 || gap.To.Before(gap.From) {
				f.Errorf("gap %+v", gap)
			}
		}
	})
}

// TestServerKilled kills the server itself and starts it again.
func TestServerKilled(t *testing.T) {
	own(t, servers.Config{}, func(f *fixture) {
		sub := f.subscribe(f.openWith(f.soon()), pubsub.Channels("numbers"), pubsub.Buffer(1<<20, 64<<20))
		p := f.startPublisher(f.openWith(f.soon()))
		r := f.follow(sub)
		for range 100 {
			r.step()
		}
		if err := errors.Join(f.server.Kill(f.ctx), f.server.Start(f.ctx)); err != nil {
			f.Fatal(err)
		}
		r.until(1)
		r.finish(p)
		if len(r.gaps) != 1 || r.gaps[0].Reason != pubsub.Reconnect {
			f.Errorf("gaps %v", r.gaps)
		}
		lost, up := f.event(sub, pubsub.EventDisconnected), f.event(sub, pubsub.EventConnected)
		if lost.Err == nil || up.Time.Before(lost.Time) {
			f.Errorf("told as %v and %v", lost, up)
		}
		if again := f.event(sub, pubsub.EventSubscribed); again.Gap == nil || again.Count != 1 {
			f.Errorf("the name is back as %v", again)
		}
	})
}

// TestGapMarkers tells a loss as an item of its own, without a next message.
func TestGapMarkers(t *testing.T) {
	shared(t, func(f *fixture) {
		c, listener := f.open(), f.openWith(f.soon())
		sub := f.subscribe(listener, pubsub.Channels("news", "sport"), pubsub.Patterns("n*"), pubsub.GapMarkers())
		f.publish(c, "sport", "before", 1)
		f.expect(sub, pubsub.Message{Channel: "sport", Payload: "before"})
		equal(f, c, command.ClientKill(command.WhereType("pubsub")), 1)
		gap := f.next(sub)
		if gap.Kind != pubsub.KindGap || gap.Gap == nil || gap.Gap.Reason != pubsub.Reconnect || gap.Payload != "" {
			f.Errorf("got %v, want a gap of its own", gap)
		}
		// All names were confirmed before the marker.
		f.publish(c, "news", "after", 2)
		f.expect(sub, pubsub.Message{Channel: "news", Payload: "after"})
		f.expect(sub, pubsub.Message{Kind: pubsub.KindPatternMessage, Channel: "news", Pattern: "n*", Payload: "after"})
	})
}

// What a client of a silent server waits for, and how late a busy machine may make
// it.
const (
	keepAlive    = 600 * time.Millisecond
	replyTimeout = 400 * time.Millisecond
	lateness     = 500 * time.Millisecond
)

// TestKeepAlive lets a server stand still under an idle subscription, as a half-open
// connection would. Before that the server lives, and nothing is lost by asking it.
func TestKeepAlive(t *testing.T) {
	own(t, servers.Config{}, func(f *fixture) {
		c := f.open()
		options := f.soon()
		options.KeepAlive, options.ReplyTimeout, options.DialTimeout = keepAlive, replyTimeout, replyTimeout
		sub := f.subscribe(f.openWith(options), pubsub.Channels("news"), pubsub.GapMarkers())
		pings := func() string {
			stats := result(f, c, command.Info("commandstats")).Get("cmdstat_ping")
			calls, _, _ := strings.Cut(stats, ",")
			return calls
		}
		for range 2 {
			before := pings()
			f.eventually("a keep-alive PING", func() bool { return pings() != before })
		}
		f.publish(c, "news", "alive", 1)
		f.expect(sub, pubsub.Message{Channel: "news", Payload: "alive"})

		if err := f.server.Pause(f.ctx); err != nil {
			f.Fatal(err)
		}
		paused := time.Now()
		lost := f.event(sub, pubsub.EventDisconnected)
		if took := lost.Time.Sub(paused); took > keepAlive+replyTimeout+lateness || !errors.Is(lost.Err, redis.ErrReplyTimeout) {
			f.Errorf("the silence was found after %v: %v", took, lost.Err)
		}
		if err := f.server.Unpause(f.ctx); err != nil {
			f.Fatal(err)
		}
		gap := f.next(sub)
		if gap.Kind != pubsub.KindGap || gap.Gap.Reason != pubsub.Reconnect {
			f.Fatalf("got %v, want a gap", gap)
		}
		// It begins with the last sign of life, which was before the silence.
		if gap.Gap.From.After(paused) || gap.Gap.To.Before(lost.Time) {
			f.Errorf("the gap is from %v to %v, the silence began at %v", gap.Gap.From, gap.Gap.To, paused)
		}
		// The server may still have the dead connection, so receivers don't count.
		result(f, c, command.Publish("news", "after"))
		f.expect(sub, pubsub.Message{Channel: "news", Payload: "after"})
	})
}

// TestTimeouts calls a server that stands still: a command fails within its time, and
// subscribing and unsubscribing have times of their own (D10).
func TestTimeouts(t *testing.T) {
	own(t, servers.Config{}, func(f *fixture) {
		options := f.soon()
		options.ReplyTimeout, options.DialTimeout = replyTimeout, replyTimeout
		options.SubscribeTimeout, options.UnsubscribeTimeout = 200*time.Millisecond, 50*time.Millisecond
		client := f.openWith(options)
		sub := f.subscribe(client, pubsub.Channels("news", "weather"))
		equal(f, client, command.Set("counter", 5), done)
		if err := f.server.Pause(f.ctx); err != nil {
			f.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(func() {
			began := time.Now()
			n, err := client.Incr(f.ctx, "counter")
			// Between one and one and a quarter of the time.
			took := time.Since(began)
			if !errors.Is(err, redis.ErrMaybeExecuted) || !errors.Is(err, redis.ErrReplyTimeout) ||
				took < replyTimeout || took > replyTimeout*5/4+lateness {
				f.Errorf("INCR = %d, %v after %v, want ErrMaybeExecuted after %v", n, err, took, replyTimeout)
			}
		})
		all.Go(func() {
			began := time.Now()
			err := sub.Subscribe(f.ctx, "late")
			took := time.Since(began)
			var missing *pubsub.UnacknowledgedError
			if !errors.As(err, &missing) || !errors.Is(err, pubsub.ErrSubscribeTimeout) ||
				took < options.SubscribeTimeout || took > options.SubscribeTimeout+lateness {
				f.Errorf("Subscribe: %v after %v", err, took)
			} else if missing.Missing != 1 || missing.Of != 1 || missing.Names[0] != pubsub.Channel("late") {
				f.Errorf("Subscribe: %+v", missing)
			}
		})
		all.Go(func() {
			began := time.Now()
			err := sub.Unsubscribe(f.ctx, "weather")
			var incomplete *pubsub.IncompleteError
			if took := time.Since(began); !errors.As(err, &incomplete) || took > options.UnsubscribeTimeout+lateness {
				f.Errorf("Unsubscribe: %v after %v", err, took)
			}
		})
		all.Wait()
		if err := f.server.Unpause(f.ctx); err != nil {
			f.Fatal(err)
		}
		if n := result(f, client, command.AsInt(command.Get("counter"))); n != 5 && n != 6 {
			f.Errorf("the counter is %d", n)
		}
		// What was given up is not subscribed when the server is back, and what was
		// not is.
		f.eventually("one channel", func() bool {
			return f.subscribers(client, "news") == 1 && f.subscribers(client, "late") == 0 && f.subscribers(client, "weather") == 0
		})
	})
}

// TestForbiddenChannel subscribes to a channel that the user must not have (NOPERM).
func TestForbiddenChannel(t *testing.T) {
	own(t, servers.Config{Users: []string{"reader on >secret +@all resetchannels &news &sport"}}, func(f *fixture) {
		f.since("6.2", "rules for channels")
		options := f.options()
		options.Username, options.Password = "reader", redis.NewSecret("secret")
		reader, c := f.openWith(options), f.open()
		denied := func(what string, err error) {
			f.Helper()
			var refusal *pubsub.RefusedError
			if !errors.As(err, &refusal) || refusal.Name != pubsub.Channel("secret") || replyCode(err) != "NOPERM" {
				f.Errorf("%s: %v, want NOPERM for the channel secret", what, err)
			}
		}
		_, err := reader.Subscribe(f.ctx, "news", "secret", "sport")
		denied("Subscribe", err)
		f.eventually("nothing subscribed", func() bool { return f.subscribers(c, "news") == 0 })

		live := f.subscribe(reader, pubsub.Channels("news"))
		other := f.subscribe(reader, pubsub.Channels("news", "sport"))
		denied("adding it", live.Subscribe(f.ctx, "secret"))
		denied("adding it with others", live.Subscribe(f.ctx, "sport", "secret"))
		f.publish(c, "news", "both live", 1)
		for _, sub := range []*pubsub.Subscription{live, other} {
			f.expect(sub, pubsub.Message{Channel: "news", Payload: "both live"})
			if err := sub.Err(); err != nil {
				f.Error(err)
			}
		}
	})
}

// TestSubscriberWithoutPing is a user who may use pub/sub and nothing else, as
// "+@pubsub" grants it: the client's own PINGs are refused.
func TestSubscriberWithoutPing(t *testing.T) {
	own(t, servers.Config{Users: []string{"listener on >secret &* +@pubsub"}}, func(f *fixture) {
		options := f.options()
		options.Username, options.Password = "listener", redis.NewSecret("secret")
		client, err := redis.New(options)
		if err != nil {
			f.Fatal(err)
		}
		defer client.Close()
		sub := f.subscribe(client, pubsub.Channels("news"))
		// The end of the first command has to be found for the next one to be
		// understood.
		if err := sub.Subscribe(f.ctx, "sport"); err != nil {
			f.Error(err)
		}
		f.publish(f.open(), "news", "heard", 1)
		f.expect(sub, pubsub.Message{Channel: "news", Payload: "heard"})
	})
}

// A replica that has lost its primary and does not serve stale data refuses PING, and
// takes SUBSCRIBE.
func TestSubscribeToAStaleReplica(t *testing.T) {
	own(t, servers.Config{}, func(f *fixture) {
		f.since("7.0", "PING that a stale replica refuses")
		f.command("CONFIG", "SET", "replica-serve-stale-data", "no")
		f.command("REPLICAOF", "127.0.0.1", "1")
		o := f.options()
		o.MaxAttempts = 1
		c := f.openWith(o)
		if _, err := c.Ping(f.ctx); replyCode(err) != "MASTERDOWN" {
			f.Fatalf("PING: %v", err)
		}
		sub := f.subscribe(c, pubsub.Channels("news"))
		if got := len(sub.Names()); got != 1 {
			f.Errorf("%d names", got)
		}
		if err := sub.Unsubscribe(f.ctx); err != nil {
			f.Errorf("Unsubscribe: %v", err)
		}
	})
}

// TestResubscribeToABusyServer makes the connection of a subscription anew while the server
// runs a script and refuses nearly everything. That ends nothing: it comes back behind the
// script.
func TestResubscribeToABusyServer(t *testing.T) {
	own(t, servers.Config{Lines: []string{"lua-time-limit 20"}}, func(f *fixture) {
		client := f.open()
		sub, err := client.Subscribe(f.ctx, "news")
		if err != nil {
			f.Fatal(err)
		}
		defer sub.Close()
		script, err := f.server.Dial(f.ctx)
		if err != nil {
			f.Fatal(err)
		}
		defer script.Close()
		if err := script.Send(f.ctx, "EVAL", "while true do end", "0"); err != nil {
			f.Fatal(err)
		}
		busy := func() bool {
			_, err := f.server.Command(f.ctx, "GET", "k")
			return err != nil && strings.Contains(err.Error(), "BUSY")
		}
		f.eventually("a server that is busy", busy)
		why := errors.New("for a test")
		client.Reconnect(why)
		for event := range sub.Events() {
			if event.Kind == pubsub.EventDisconnected && errors.Is(event.Err, why) {
				break
			}
		}
		// A connection that is refused what it asks for, whether in the handshake or behind it.
		<-time.After(time.Second)
		if !busy() || sub.Err() != nil {
			f.Fatalf("busy: %v; the subscription has ended with %v", busy(), sub.Err())
		}
		f.command("SCRIPT", "KILL") // which ends it soon
		f.eventually("a server that is not busy any more", func() bool { return !busy() })
		f.eventually("a message behind the script", func() bool {
			f.command("PUBLISH", "news", "x")
			msg, ok := sub.TryNext()
			if ok && (msg.Gap == nil || msg.Gap.Reason != pubsub.Reconnect) {
				f.Fatalf("received %v", msg)
			}
			return ok
		})
	})
}
