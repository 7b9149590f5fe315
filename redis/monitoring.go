package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Monitor is a stream of the commands that a server runs, see [Client.Monitor].
type Monitor struct {
	conn *conn.Conn
	out  chan MonitorLine
	done chan struct{} // closed last

	mu     sync.Mutex
	raw    []string // unparsed lines that wait
	bytes  int
	missed int           // lines dropped before the first of raw
	more   chan struct{} // capacity 1: there are lines, or no more will come
	err    error

	stop chan struct{} // closed by Close
	once sync.Once
}

// MonitorLine is one command that the server has run or has begun to run.
type MonitorLine struct {
	Time time.Time
	DB   int
	// Kind says where the command came from: "tcp", "unix", or "lua" for a command that a
	// script has called.
	Kind string
	// Client is the address of the client: "host:port" or the path of a Unix socket. It is
	// empty for a command of a script.
	Client string
	// Command is the command's name and arguments, without the server's quoting. Servers
	// leave out commands that contain passwords.
	Command []string
	// Missed counts the lines before this one that were dropped because nobody received
	// them in time.
	Missed int
}

// The lines that wait to be received are bounded.
const (
	monitorLines = 4096
	monitorBytes = 8 << 20
)

// Monitor returns a stream of all commands that the server runs, until ctx ends. It sends
// MONITOR on a separate connection. Use it to investigate problems: it can halve the
// throughput of a busy server, and it shows everybody's data. Since 1.0.0.
//
//	m, err := client.Monitor(ctx)
//	if err != nil {
//		return err
//	}
//	defer m.Close()
//	for line := range m.Lines() {
//		fmt.Println(line.Time, line.Client, line.Command)
//	}
//	return m.Err()
//
// At most 4,096 lines, or 8 MiB, wait to be received. When there are more, the oldest are
// dropped, and the next line counts them. One line may have 512 MiB, or the value of
// Options.Limits.MaxLine. The stream ends with its connection. It does not reconnect,
// because it could not report the commands that ran in the meantime.
func (c *Client) Monitor(ctx context.Context) (*Monitor, error) {
	r := command.MonitorRequest()
	if err := c.usable(ctx); err != nil {
		return nil, retry.NotSent(r.Name(), "", err)
	}
	if c.isClosed() {
		return nil, retry.NotSent(r.Name(), c.options.Addr, ErrClosed)
	}
	m := &Monitor{out: make(chan MonitorLine), done: make(chan struct{}), more: make(chan struct{}, 1), stop: make(chan struct{})}
	opening, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.pool.ctx, func() { cancel(ErrClosed) })()
	nc, err := c.dialer.Dial(opening, conn.Role{Monitor: true, OnPush: m.take})
	if err != nil {
		return nil, retry.NotSent(r.Name(), c.options.Addr, err)
	}
	m.conn = nc
	v, err := nc.Do(opening, &r)
	if err == nil {
		err = command.ReplyError(&r, nc.Addr(), v)
	}
	if err != nil {
		nc.Fail(ErrClosed)
		<-nc.Done()
		return nil, err
	}
	c.mu.Lock()
	if c.isClosed() {
		c.mu.Unlock()
		nc.Fail(ErrClosed)
		<-nc.Done()
		return nil, retry.NotSent(r.Name(), c.options.Addr, ErrClosed)
	}
	c.tasks.Go(func() { m.run(ctx, c.closing) })
	c.mu.Unlock()
	return m, nil
}

// Lines returns the stream. It is always the same channel, and it is closed at the end. Err
// then says why.
func (m *Monitor) Lines() <-chan MonitorLine { return m.out }

// Err returns why the stream has ended. It is nil while the stream runs, and after Close.
func (m *Monitor) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Close ends the stream and returns when everything that belongs to it has stopped. Closing
// again does nothing. The error is always nil.
func (m *Monitor) Close() error {
	m.once.Do(func() { close(m.stop) })
	<-m.done
	return nil
}

// take stores a line for run. The connection's reader calls it.
func (m *Monitor) take(v proto.Value) {
	line := v.Str()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.raw = append(m.raw, line)
	m.bytes += len(line)
	for len(m.raw) > 1 && (len(m.raw) > monitorLines || m.bytes > monitorBytes) {
		m.bytes -= len(m.raw[0])
		m.raw[0] = ""
		m.raw = m.raw[1:]
		m.missed++
	}
	select {
	case m.more <- struct{}{}:
	default:
	}
}

// next returns the oldest waiting line, and how many lines were dropped before it.
func (m *Monitor) next() (line string, missed int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.raw) == 0 {
		m.raw = nil
		return "", 0, false
	}
	line, missed = m.raw[0], m.missed
	m.raw[0] = ""
	m.raw, m.bytes, m.missed = m.raw[1:], m.bytes-len(line), 0
	return line, missed, true
}

// run delivers the lines until the end.
func (m *Monitor) run(ctx context.Context, closing <-chan struct{}) {
	defer close(m.done)
	defer close(m.out)
	err := m.handOut(ctx, closing)
	m.conn.Fail(or(err, ErrClosed))
	<-m.conn.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.raw, m.err = nil, err
}

// handOut delivers lines until there are no more, and returns why. After Close it returns
// nil.
func (m *Monitor) handOut(ctx context.Context, closing <-chan struct{}) error {
	lost := false // no more lines come
	for {
		text, missed, ok := m.next()
		if !ok {
			if lost {
				return m.conn.Cause()
			}
			select {
			case <-m.more:
			case <-m.conn.Done():
				lost = true
			case <-m.stop:
				return nil
			case <-ctx.Done():
				return retry.Ended(ctx)
			case <-closing:
				return ErrClosed
			}
			continue
		}
		line, err := parseMonitorLine(text)
		if err != nil {
			return err
		}
		line.Missed = missed
		select {
		case m.out <- line:
		case <-m.stop:
			return nil
		case <-ctx.Done():
			return retry.Ended(ctx)
		case <-closing:
			return ErrClosed
		}
	}
}

// errMonitorLine is the error for a line that is not in the format that servers write.
var errMonitorLine = errors.New("the server sent a line that MONITOR does not have")

// parseMonitorLine parses a line such as
//
//	1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
func parseMonitorLine(text string) (MonitorLine, error) {
	var line MonitorLine
	at, rest, ok := strings.Cut(text, " [")
	if !ok {
		return line, errMonitorLine
	}
	seconds, micros, ok := strings.Cut(at, ".")
	sec, err := strconv.ParseInt(seconds, 10, 64)
	usec, err2 := strconv.ParseUint(micros, 10, 32)
	if !ok || err != nil || err2 != nil || len(micros) != len("123456") {
		return line, errMonitorLine
	}
	line.Time = time.Unix(sec, int64(usec)*int64(time.Microsecond))
	db, rest, ok := strings.Cut(rest, " ")
	if line.DB, err = strconv.Atoi(db); !ok || err != nil {
		return line, errMonitorLine
	}
	// A path may contain any byte: the words begin after the last "] " before a quote.
	client, words, ok := strings.Cut(rest, `] "`)
	if !ok {
		return line, errMonitorLine
	}
	switch path, unix := strings.CutPrefix(client, "unix:"); {
	case client == "lua":
		line.Kind = "lua"
	case unix:
		line.Kind, line.Client = "unix", path
	default:
		line.Kind, line.Client = "tcp", client
	}
	line.Command, err = unquoteWords(`"` + words)
	return line, err
}

// unquoteWords removes the server's quoting of words: "a\x00" "\"".
func unquoteWords(text string) ([]string, error) {
	var words []string
	for text != "" {
		word, rest, err := unquoteWord(text)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		text = strings.TrimPrefix(rest, " ")
	}
	return words, nil
}

// unquoteWord removes the quoting of the first word.
func unquoteWord(text string) (word, rest string, err error) {
	if text[0] != '"' {
		return "", "", errMonitorLine
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '"':
			return b.String(), text[i+1:], nil
		case ch != '\\':
			b.WriteByte(ch)
		case i+1 == len(text):
			return "", "", errMonitorLine
		case text[i+1] == 'x':
			if i+3 >= len(text) {
				return "", "", errMonitorLine
			}
			code, err := strconv.ParseUint(text[i+2:i+4], 16, 8)
			if err != nil {
				return "", "", fmt.Errorf("%w: an escape", errMonitorLine)
			}
			b.WriteByte(byte(code))
			i += 3
		default:
			i++
			b.WriteByte(escaped(text[i]))
		}
	}
	return "", "", errMonitorLine
}

// escaped returns the byte that a letter after a backslash means.
func escaped(letter byte) byte {
	switch letter {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	}
	return letter // a quote, a backslash
}
