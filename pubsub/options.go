package pubsub

import (
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// Option is an option of a new subscription: a [Name] to subscribe to, or how
// messages that the consumer is too slow for are kept. Of options that
// contradict each other the last one holds.
type Option interface{ apply(*config) }

// config is what options add up to.
type config struct {
	names    []Name
	messages int
	bytes    int
	policy   Policy
	blockFor time.Duration
	// 0: the hub's
	subscribeTimeout, unsubscribeTimeout time.Duration
	markers                              bool
	confirms                             bool
	noNames                              bool // an option that names something named nothing
	handlers                             handlers
	observer                             hub.Observer
}

const (
	defaultMessages = 65536
	defaultBytes    = 16 << 20
)

func newConfig(opts []Option) config {
	c := config{messages: defaultMessages, bytes: defaultBytes}
	for _, opt := range opts {
		opt.apply(&c)
		if o, ok := opt.(hub.Observer); ok { // of package sharded
			c.observer = o
		}
	}
	return c
}

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// Channels names several channels at once.
func Channels(names ...string) Option { return nameOptions(named(NameChannel, names)) }

// Patterns names several patterns at once.
func Patterns(patterns ...string) Option { return nameOptions(named(NamePattern, patterns)) }

// ShardChannels names several shard channels at once.
func ShardChannels(names ...string) Option { return nameOptions(named(NameShard, names)) }

type nameOptions []Name

func (names nameOptions) apply(c *config) {
	c.names = append(c.names, names...)
	c.noNames = c.noNames || len(names) == 0
}

// Buffer bounds what waits for a slow consumer: at most this many messages, and
// behind the first 64 of them at most this many bytes of payloads and names. A
// message bigger than that is accepted when nothing else waits behind those.
// What is not positive stands for the default: 65,536 messages, 16 MiB. The buffer grows as
// needed, so an idle subscription does not hold this much.
func Buffer(messages, bytes int) Option {
	return optionFunc(func(c *config) {
		c.messages, c.bytes = defaultMessages, defaultBytes
		if messages > 0 {
			c.messages = messages
		}
		if bytes > 0 {
			c.bytes = bytes
		}
	})
}

// Policy is what to do with a message that finds the buffer full. It is an
// [Option]; [Block] is one more.
type Policy uint8

// The policies.
const (
	// DropOldest, the default, drops the message that has waited longest, and marks
	// the one after it with a [Gap]. Those in the Go channel are not dropped; up to
	// 16 behind them, which are on their way into it, only where nothing else waits.
	DropOldest Policy = iota
	// DropNewest drops the message that has just come, and marks the next one.
	DropNewest
	// FailSlow ends the subscription with [ErrSlowConsumer].
	FailSlow

	block // see Block
)

func (p Policy) apply(c *config) { c.policy = p }

// Block lets the connection's reader wait up to d for room, and then ends the
// subscription with [ErrSlowConsumer]. Nothing else is read from the connection
// meanwhile, so such a subscription gets a connection of its own.
func Block(d time.Duration) Option {
	return optionFunc(func(c *config) { c.policy, c.blockFor = block, d })
}

// Timeouts says how long calls of this subscription wait for the server's acknowledgement:
// to subscribe, which fails then, and to unsubscribe, which does not, see
// [Subscription.Unsubscribe]. 0 leaves what the client's options say.
func Timeouts(subscribe, unsubscribe time.Duration) Option {
	return optionFunc(func(c *config) { c.subscribeTimeout, c.unsubscribeTimeout = subscribe, unsubscribe })
}

// GapMarkers puts every [Gap] into the stream as an item of its own, of
// [KindGap], and on no message. It comes without waiting for a next message: a
// reconnect is told as soon as all names of the subscription are confirmed
// again, or in front of the first message if one comes earlier.
//
// Handlers are told so of the gaps in the stream alone. Of what a [Runner] itself
// drops, and of what the run before has not told them, they are told with the next
// message, or with a marker that comes earlier.
func GapMarkers() Option {
	return optionFunc(func(c *config) { c.markers = true })
}

// Confirmations puts what the server confirms into the stream, as items of
// [KindSubscribed] and [KindUnsubscribed] with the name and the count of names, between
// the messages that came before and after it. They take no room from messages: of a name
// that is confirmed again before the consumer has received the last confirmation, only the
// newer one is delivered. Those in the Go channel are not counted by [Buffer], so up to 64
// messages more than that may wait. Without this option they are told as events alone.
func Confirmations() Option {
	return optionFunc(func(c *config) { c.confirms = true })
}
