package peer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/redchan-go/redchan/bench/internal/wire"
)

// rawBuffer is how much a [Raw] reads at once.
const rawBuffer = 64 << 10

// Raw only moves bytes: it writes requests that were encoded ahead of time, all
// callers' in one write, and counts reply bytes without looking at them. No client
// can be cheaper that keeps its callers apart; it is the bound, not a peer.
type Raw struct {
	conn   *wire.Conn
	buffer []byte
}

// OpenRaw connects.
func OpenRaw(ctx context.Context, options Options) (*Raw, error) {
	conn, err := wire.Dial(ctx, options.Network, options.Addr)
	if err != nil {
		return nil, err
	}
	return &Raw{conn: conn, buffer: make([]byte, rawBuffer)}, nil
}

// Exchange writes requests and reads until so many bytes of replies have come.
func (r *Raw) Exchange(requests []byte, replyBytes int) error {
	if _, err := r.conn.Write(requests); err != nil {
		return err
	}
	for got := 0; got < replyBytes; {
		n, err := r.conn.Read(r.buffer)
		if err != nil {
			return err
		}
		if got == 0 && r.buffer[0] == '-' {
			return fmt.Errorf("the server replied %q", r.buffer[:n])
		}
		if got += n; got > replyBytes {
			return fmt.Errorf("the replies have %d bytes, wanted %d", got, replyBytes)
		}
	}
	return nil
}

// Receive subscribes and calls deliver with how many messages have come, and the last
// one's bytes, until ctx ends. Every message has frame bytes.
func (r *Raw) Receive(ctx context.Context, topic Topic, frame int, deliver func(n int, last []byte)) error {
	name := "SUBSCRIBE"
	if topic.Pattern {
		name = "PSUBSCRIBE"
	}
	var request, confirmations []byte
	request = wire.AppendCommand(request, append([]string{name}, topic.Names...)...)
	for i, topicName := range topic.Names {
		confirmations = append(confirmations, "*3\r\n"...)
		confirmations = wire.AppendBulk(confirmations, name)
		confirmations = wire.AppendBulk(confirmations, topicName)
		confirmations = fmt.Appendf(confirmations, ":%d\r\n", i+1)
	}
	stop := context.AfterFunc(ctx, func() { _ = r.conn.Close() })
	defer stop()
	if _, err := r.conn.Write(request); err != nil {
		return err
	}
	if _, err := io.ReadFull(r.conn, confirmations); err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	if rawBuffer < frame {
		return errors.New("a message is too large for the raw loop")
	}
	return r.count(ctx, frame, deliver)
}

// count counts messages of frame bytes; a torn one waits in the buffer for its rest.
func (r *Raw) count(ctx context.Context, frame int, deliver func(n int, last []byte)) error {
	for held := 0; ; {
		n, err := r.conn.Read(r.buffer[held:])
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		held += n
		whole := held / frame
		if whole > 0 {
			deliver(whole, r.buffer[(whole-1)*frame:whole*frame])
		}
		held = copy(r.buffer, r.buffer[whole*frame:held])
	}
}

// Close closes the connection.
func (r *Raw) Close() error { return r.conn.Close() }
