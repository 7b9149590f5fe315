// Chat is a chat room for terminals. Start it in two of them:
//
//	go -C examples run ./chat -name ann -room lobby
//	go -C examples run ./chat -name bob -room lobby
//
// The first brings the server that the others find. REDIS_URL takes yours, and
// then the room is open to everybody who reaches it.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	name := flag.String("name", cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME"), "guest"), "who you are")
	roomName := flag.String("room", "lobby", "the room to enter")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := start(ctx, *name, *roomName)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// start finds a server, or brings one, and runs the chat on the terminal.
func start(ctx context.Context, name, roomName string) error {
	out := newScreen(os.Stdout, isTerminal(os.Stdin), isTerminal(os.Stdout))
	url := os.Getenv("REDIS_URL")
	if url == "" {
		server, found := serve(localAddr)
		url = "redis://" + localAddr
		if server != nil {
			defer server.Close()
			out.note("this terminal is the server, on %s, until it leaves", found)
			out.note("others join with: go -C examples run ./chat -name bob -room %s", roomName)
		} else {
			out.note("joining the server of another terminal, on %s", found)
		}
	}
	return run(ctx, url, name, roomName, os.Stdin, out)
}

// isTerminal reports whether a person sits at the other end of f.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
