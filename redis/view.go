package redis

import (
	"context"
	"maps"
	"strings"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Decoding says how a [View] reads replies.
type Decoding struct {
	// Replies has functions by the name of the command, such as "GET" or "CONFIG GET". A
	// function is called with each reply of its command before the command decodes it,
	// except for errors and nulls. It can decompress stored values, or accept the answers
	// of a proxy. The name of a [command.Script] is "EVALSHA" or "EVALSHA_RO", however it
	// is sent. The functions must be safe for concurrent use. An error that a function
	// returns becomes the error of the command.
	Replies map[string]func(proto.Value) (proto.Value, error)
	// Text converts the text values in the result of [View.Any]. An example is
	// [command.Guess]. Nil leaves them strings.
	Text func(text string) any
}

// View is a client that decodes replies in its own way. It shares the connections of the
// client that it was made from, and need not be closed. It is safe for concurrent use.
type View struct {
	command.Commands
	client  *Client
	replies map[string]func(proto.Value) (proto.Value, error)
	text    func(string) any
}

// View returns a view of the client. Several views can decode replies differently while
// they share the client's connections:
//
//	packed := client.View(redis.Decoding{Replies: map[string]func(proto.Value) (proto.Value, error){
//		"GET": func(v proto.Value) (proto.Value, error) { // never null: missing stays missing
//			text, err := unpack(v.Str())
//			return proto.Bulk(text), err
//		},
//	}})
func (c *Client) View(d Decoding) *View {
	v := &View{client: c, replies: make(map[string]func(proto.Value) (proto.Value, error), len(d.Replies)), text: d.Text}
	for name, decode := range maps.All(d.Replies) {
		v.replies[strings.ToUpper(name)] = decode
	}
	v.Commands = *command.On(v)
	return v
}

// DecodeReply passes a reply to the function for the command's name.
func (v *View) DecodeReply(name string, reply proto.Value) (proto.Value, error) {
	decode := v.replies[name]
	if decode == nil || reply.IsNull() {
		return reply, nil
	}
	decoded, err := decode(reply)
	if err != nil {
		return proto.Value{}, &command.DecodeError{Command: name, Want: "what the view decodes", Got: reply.Kind().String(), Err: err}
	}
	return decoded, nil
}

// Do sends one request, see [Client.Do].
func (v *View) Do(ctx context.Context, r command.Request) (proto.Value, error) {
	reply, err := v.client.Do(ctx, r)
	if err != nil {
		return reply, err
	}
	return v.DecodeReply(r.Name(), reply)
}

// DoBatch sends several requests, see [Client.DoBatch]. The code that executes the batch
// decodes the replies.
func (v *View) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	return v.client.DoBatch(ctx, rs)
}

// Exec sends a batch, see [Client.Exec].
func (v *View) Exec(ctx context.Context, b *command.Batch) error { return b.Exec(ctx, v) }

// Multi sends a batch as a transaction, see [Client.Multi].
func (v *View) Multi(ctx context.Context, b *command.Batch) error {
	return b.Exec(ctx, viewMulti{multi{v.client}, v})
}

// viewMulti sends transactions of a view.
type viewMulti struct {
	multi
	view *View
}

// DecodeReply calls that of the view.
func (m viewMulti) DecodeReply(name string, reply proto.Value) (proto.Value, error) {
	return m.view.DecodeReply(name, reply)
}

// Pipeline returns an empty pipeline, see [Client.Pipeline].
func (v *View) Pipeline() *Pipeline {
	return &Pipeline{Batch: v.client.batches.Batch(), to: v, multi: viewMulti{multi{v.client}, v}}
}

// Any sends a command and returns its reply as the Go value that fits it: nil, string,
// int64, float64, bool, []any, map[string]any, or what Decoding.Text returns for texts. A
// null reply is nil, and not an error.
func (v *View) Any(ctx context.Context, cmd command.Queueable) (any, error) {
	return command.DoAny(ctx, v, cmd, v.text)
}

// Any sends a command and returns its reply as the Go value that fits it, see [View.Any].
// Texts are strings. Use a [View] to convert them differently.
func (c *Client) Any(ctx context.Context, cmd command.Queueable) (any, error) {
	return command.DoAny(ctx, c, cmd, nil)
}
