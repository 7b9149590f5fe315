package load

import (
	"context"
	"fmt"

	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/wire"
)

// commands is the kind of workload that calls commands.
type commands struct {
	// perCall is how many operations one call is.
	perCall int
	// call makes the nth call of a caller.
	call func(ctx context.Context, client peer.Client, n int) error
	// request appends what the nth call puts on the wire, and returns how many
	// bytes its replies have, for the raw loop.
	request func(b []byte, n int) ([]byte, int)
}

// wrong is the error of a reply of another size than what was stored.
func wrong(what string, got, want int) error {
	return fmt.Errorf("%s returned %d, wanted %d", what, got, want)
}

// get reads keys, in turn, whose values have size bytes.
func get(keys []string, size int) commands {
	return commands{
		perCall: 1,
		call: func(ctx context.Context, client peer.Client, n int) error {
			value, err := client.Get(ctx, keys[n%len(keys)])
			if err == nil && len(value) != size {
				err = wrong("GET", len(value), size)
			}
			return err
		},
		request: func(b []byte, n int) ([]byte, int) {
			return wire.AppendCommand(b, "GET", keys[n%len(keys)]), bulkBytes(size)
		},
	}
}

// set writes size bytes to keys, in turn.
func set(keys []string, size int) commands {
	text := value(size)
	return commands{
		perCall: 1,
		call: func(ctx context.Context, client peer.Client, n int) error {
			return client.Set(ctx, keys[n%len(keys)], text)
		},
		request: func(b []byte, n int) ([]byte, int) {
			return wire.AppendCommand(b, "SET", keys[n%len(keys)], text), len("+OK\r\n")
		},
	}
}

// pipeline reads length keys in one explicit pipeline.
func pipeline(keys []string, length, size int) commands {
	part := func(n int) []string {
		at := n * length % (len(keys) - length)
		return keys[at : at+length]
	}
	return commands{
		perCall: length,
		call: func(ctx context.Context, client peer.Client, n int) error {
			got, err := client.Pipeline(ctx, part(n))
			if err == nil && got != length*size {
				err = wrong("a pipeline", got, length*size)
			}
			return err
		},
		request: func(b []byte, n int) ([]byte, int) {
			for _, key := range part(n) {
				b = wire.AppendCommand(b, "GET", key)
			}
			return b, length * bulkBytes(size)
		},
	}
}

// lrange reads a whole list.
func lrange(key string, length int) commands {
	return commands{
		perCall: 1,
		call: func(ctx context.Context, client peer.Client, _ int) error {
			list, err := client.LRange(ctx, key)
			if err == nil && len(list) != length {
				err = wrong("LRANGE", len(list), length)
			}
			return err
		},
		request: func(b []byte, _ int) ([]byte, int) {
			return wire.AppendCommand(b, "LRANGE", key, "0", "-1"), arrayBytes(length, len(listElement(0)))
		},
	}
}

// hgetall reads a whole hash. Its fields and values have one length.
func hgetall(key string, length int) commands {
	return commands{
		perCall: 1,
		call: func(ctx context.Context, client peer.Client, _ int) error {
			hash, err := client.HGetAll(ctx, key)
			if err == nil && len(hash) != length {
				err = wrong("HGETALL", len(hash), length)
			}
			return err
		},
		request: func(b []byte, _ int) ([]byte, int) {
			field, _ := hashField(0)
			return wire.AppendCommand(b, "HGETALL", key), arrayBytes(2*length, len(field))
		},
	}
}

// mix is what a web application might do.
func mix() commands {
	small := get(smallKeyNames(), smallSize)
	write := set(smallKeyNames(), smallSize)
	list := lrange(shortKey, shortList)
	medium := get([]string{mediumKey}, mediumSize)
	choose := func(n int) commands {
		switch turn := n % 20; {
		case turn == 0:
			return medium
		case turn%9 == 1: // 1, 10 and 19
			return list
		case turn%5 == 2: // 2, 7, 12 and 17
			return write
		}
		return small
	}
	return commands{
		perCall: 1,
		call: func(ctx context.Context, client peer.Client, n int) error {
			return choose(n).call(ctx, client, n)
		},
		request: func(b []byte, n int) ([]byte, int) { return choose(n).request(b, n) },
	}
}
