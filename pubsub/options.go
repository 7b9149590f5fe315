package pubsub

import (
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// Option is an option of a new subscription: a [Name] to subscribe to, or a setting. If options
// contradict each other, the last one applies.
type Option interface{ apply(*config) }

// config is the sum of all options.
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

// Channels subscribes to several channels.
func Channels(names ...string) Option { return nameOptions(named(NameChannel, names)) }

// Patterns subscribes to several patterns.
func Patterns(patterns ...string) Option { return nameOptions(named(NamePattern, patterns)) }

// ShardChannels subscribes to several shard channels.
func ShardChannels(names ...string) Option { return nameOptions(named(NameShard, names)) }

type nameOptions []Name

func (names nameOptions) apply(c *config) {
	c.names = append(c.names, names...)
	c.noNames = c.noNames || len(names) == 0
}

// Buffer bounds the messages that wait for a slow consumer. messages bounds their number. bytes
// bounds the size of the payloads and names of those that wait behind the first 64. A larger
// message is accepted if no other waits there. A value that is not positive means the default:
// 65,536 messages, 16 MiB. The buffer grows as needed, so an idle subscription does not use this
// much memory.
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

// Policy says what to do with a message that arrives when the buffer is full. It is an [Option].
// [Block] returns one more policy.
type Policy uint8

// The policies for a full buffer.
const (
	// DropOldest, the default, drops the message that has waited longest, and marks the one
	// after it with a [Gap]. It does not drop messages in the Go channel. Up to 16 messages
	// after those are on their way into the channel, and are dropped only if no others wait.
	DropOldest Policy = iota
	// DropNewest drops the message that has just arrived, and marks the next one.
	DropNewest
	// FailSlow ends the subscription with [ErrSlowConsumer].
	FailSlow

	block // see Block
)

func (p Policy) apply(c *config) { c.policy = p }

// Block makes the connection's reader wait up to d for room, and then ends the subscription with
// [ErrSlowConsumer]. Nothing else is read from the connection meanwhile, so such a subscription
// gets a connection of its own.
func Block(d time.Duration) Option {
	return optionFunc(func(c *config) { c.policy, c.blockFor = block, d })
}

// Timeouts sets how long calls of this subscription wait for the server's acknowledgement. A
// subscribe call fails after that time. An unsubscribe call goes on without the acknowledgement,
// see [Subscription.Unsubscribe]. 0 means the value in the client's options.
func Timeouts(subscribe, unsubscribe time.Duration) Option {
	return optionFunc(func(c *config) { c.subscribeTimeout, c.unsubscribeTimeout = subscribe, unsubscribe })
}

// GapMarkers puts every [Gap] into the stream as a separate item of [KindGap], rather than on a
// message. The item does not wait for the next message: after a reconnect it comes as soon as
// all names of the subscription are confirmed again, or before the first message if one comes
// earlier.
//
// Handlers get a marker only for gaps in the stream itself. Gaps that concern messages dropped
// by a [Runner], and gaps that a previous run did not report, come with the handler's next
// message, or with an earlier marker.
func GapMarkers() Option {
	return optionFunc(func(c *config) { c.markers = true })
}

// Confirmations puts the server's confirmations into the stream, in order with the messages, as
// items of [KindSubscribed] and [KindUnsubscribed] with the name and the number of names. They
// take no room from messages: if a name is confirmed again before the consumer has received its
// last confirmation, only the newer one is delivered. [Buffer] does not count confirmations in
// the Go channel, so up to 64 more messages may wait. Without this option confirmations are
// reported only as events.
func Confirmations() Option {
	return optionFunc(func(c *config) { c.confirms = true })
}
