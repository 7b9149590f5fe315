package command

import "github.com/redchan-go/redchan/proto"

// Publish sends a message to a channel and returns how many clients of the
// server that it ran on received it; in a cluster those of other nodes are not
// counted. O(N+M). Since 2.0.0.
func Publish(channel string, message any) Cmd[int64] {
	r := newRequest(&specPublish)
	r.word(channel)
	r.value(message)
	return Cmd[int64]{r, decodeInt}
}

// PubSubChannels returns the channels that someone is subscribed to and that
// match a pattern; "" stands for all. O(N). Since 2.8.0.
func PubSubChannels(pattern string) Cmd[[]string] {
	r := newRequest(&specPubsubChannels)
	if pattern != "" {
		r.word(pattern)
	}
	return Cmd[[]string]{r, decodeStrings}
}

// ChannelCount is a channel and how many are subscribed to it.
type ChannelCount struct {
	Channel     string
	Subscribers int64
}

// PubSubNumSub returns how many are subscribed to channels, in the order given,
// 0 for those that nobody is; patterns are not counted. A client of this
// package counts once, however many subscriptions of it share a channel.
// O(N). Since 2.8.0.
func PubSubNumSub(channels ...string) Cmd[[]ChannelCount] {
	r := newRequest(&specPubsubNumsub)
	r.words("channels", channels)
	return Cmd[[]ChannelCount]{r, decodeChannelCounts}
}

func decodeChannelCounts(v proto.Value) ([]ChannelCount, error) {
	const wanted = "channels and counts"
	if !isPairs(v) {
		return nil, want(wanted)
	}
	t := textsOf(v)
	counts := make([]ChannelCount, 0, v.Len()/2)
	for channel, count := range v.Pairs() {
		name, err := t.string(channel)
		if err != nil {
			return nil, want(wanted)
		}
		n, err := decodeInt(count)
		if err != nil {
			return nil, want(wanted)
		}
		counts = append(counts, ChannelCount{name, n})
	}
	return counts, nil
}

// PubSubNumPat returns how many patterns clients are subscribed to.
// O(1). Since 2.8.0.
func PubSubNumPat() Cmd[int64] {
	return Cmd[int64]{newRequest(&specPubsubNumpat), decodeInt}
}

// SPublish sends a message to a shard channel and returns how many clients of the
// server that it ran on received it. O(N). Since 7.0.0.
func SPublish(channel string, message any) Cmd[int64] {
	r := newRequest(&specSpublish)
	r.word(channel)
	r.value(message)
	return Cmd[int64]{r, decodeInt}
}

// PubSubShardChannels returns the shard channels that someone is subscribed to and
// that match a pattern; "" stands for all. O(N). Since 7.0.0.
func PubSubShardChannels(pattern string) Cmd[[]string] {
	r := newRequest(&specPubsubShardchannels)
	if pattern != "" {
		r.word(pattern)
	}
	return Cmd[[]string]{r, decodeStrings}
}

// PubSubShardNumSub returns how many are subscribed to shard channels, in the order
// given, 0 for those that nobody is. O(N). Since 7.0.0.
func PubSubShardNumSub(channels ...string) Cmd[[]ChannelCount] {
	r := newRequest(&specPubsubShardnumsub)
	r.words("channels", channels)
	return Cmd[[]ChannelCount]{r, decodeChannelCounts}
}
