package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/bench/internal/wire"
)

const (
	// stampSize is how many digits of a payload are the time of its publishing.
	stampSize = 20
	// blockSize is how many messages are published in one write.
	blockSize = 1000
	// backlogLimit is how many bytes may wait on the server for the subscriber. The
	// server would close its connection at 8 MiB.
	backlogLimit = 4 << 20
)

// publication is what the publishing process does. It is told durations on its
// standard input, a line each, publishes so long, and prints how many messages were
// sent.
type publication struct {
	Addr  string   `json:"addr"`
	Names []string `json:"names"`
	Rate  int      `json:"rate"` // messages a second; 0: as many as the subscriber takes
}

// run is the publishing process.
func (p publication) run(ctx context.Context, commands io.Reader, answers io.Writer) error {
	conn, err := wire.Dial(ctx, "tcp", p.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	publish := p.flood
	if p.Rate > 0 {
		publish = p.paced
	}
	lines := bufio.NewScanner(commands)
	for lines.Scan() {
		d, err := time.ParseDuration(lines.Text())
		if err != nil {
			return err
		}
		sent, err := publish(conn, d)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(answers, sent); err != nil {
			return err
		}
	}
	return lines.Err()
}

// flood publishes in blocks for d, as fast as the subscriber takes it.
func (p publication) flood(conn *wire.Conn, d time.Duration) (int64, error) {
	block := p.block()
	sent := int64(0)
	for until := time.Now().Add(d); time.Now().Before(until); {
		if _, err := conn.Write(block); err != nil {
			return sent, err
		}
		for range blockSize {
			if _, err := conn.Reply(); err != nil {
				return sent, err
			}
		}
		sent += blockSize
		if err := awaitBacklog(conn); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// awaitBacklog returns when little waits on the server for its subscribers. A server
// that does not say how much has no bound.
func awaitBacklog(conn *wire.Conn) error {
	for {
		list, err := conn.Text("CLIENT", "LIST", "TYPE", "pubsub")
		var refused wire.Error
		if errors.As(err, &refused) {
			return nil
		}
		if err != nil || backlog(list) < backlogLimit {
			return err
		}
		<-time.After(pollInterval)
	}
}

// backlog returns the largest output buffer in what CLIENT LIST replied.
func backlog(list string) int {
	largest := 0
	for field := range strings.FieldsSeq(list) {
		if text, ok := strings.CutPrefix(field, "omem="); ok {
			if n, err := strconv.Atoi(text); err == nil {
				largest = max(largest, n)
			}
		}
	}
	return largest
}

// paced publishes at the rate for d, each message with its time.
func (p publication) paced(conn *wire.Conn, d time.Duration) (int64, error) {
	ticker := time.NewTicker(time.Second / time.Duration(p.Rate))
	defer ticker.Stop()
	sent := int64(0)
	for until := time.Now().Add(d); time.Now().Before(until); {
		<-ticker.C
		name := p.Names[int(sent)%len(p.Names)]
		if _, err := conn.Do("PUBLISH", name, stamped(time.Now())); err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}

// block encodes the messages of one write, over all names in turn.
func (p publication) block() []byte {
	var b []byte
	for i := range blockSize {
		b = wire.AppendCommand(b, "PUBLISH", p.Names[i%len(p.Names)], value(smallSize))
	}
	return b
}

// stamped returns a payload that says when it was published.
func stamped(at time.Time) string {
	return fmt.Sprintf("%0*d%s", stampSize, at.UnixNano(), value(smallSize-stampSize))
}

// publisher is the publishing process, as the one that started it sees it.
type publisher struct {
	command  *exec.Cmd
	commands io.WriteCloser
	answers  *bufio.Reader
	problems bytes.Buffer
}

// startPublisher starts the process. It publishes nothing yet.
func startPublisher(ctx context.Context, work publication) (*publisher, error) {
	command, err := again(ctx, publishWord, work)
	if err != nil {
		return nil, err
	}
	p := &publisher{command: command}
	command.Stderr = &p.problems
	if p.commands, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = bufio.NewReader(answers)
	return p, command.Start()
}

// publish publishes for d and returns how many messages were sent.
func (p *publisher) publish(d time.Duration) (int64, error) {
	if _, err := fmt.Fprintln(p.commands, d); err != nil {
		return 0, fmt.Errorf("the publisher: %w", err)
	}
	line, err := p.answers.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("the publisher: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(line), 10, 64)
}

// close ends the process.
func (p *publisher) close() error {
	_ = p.commands.Close()
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("the publisher: %w: %s", err, lastLine(p.problems.Bytes()))
	}
	return nil
}
