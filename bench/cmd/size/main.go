// Command size measures what a client adds to a stripped program in which reflection keeps
// all methods, as text/template and many frameworks make it: redchan's front door, its
// package redis alone ("single"), go-redis and rueidis.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// programs are the folders of programs, which differ by the client that they open.
var programs = []string{"none", "redchan", "single", "goredis", "rueidis"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "redchan-size-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var without int64
	for _, name := range programs {
		file := filepath.Join(dir, name)
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./cmd/size/programs/"+name)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		const mega = 1e6
		if name == "none" {
			without = info.Size()
			fmt.Printf("%-8s %6.2f MB\n", name, float64(without)/mega)
			continue
		}
		fmt.Printf("%-8s %6.2f MB, adds %.2f MB\n", name, float64(info.Size())/mega, float64(info.Size()-without)/mega)
	}
	return nil
}
