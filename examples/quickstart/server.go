package main

import (
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// startServer starts a server inside this program, on a free local port, so
// that the example needs nothing but Go.
func startServer() (*miniredis.Miniredis, error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("the embedded server: %w", err)
	}
	return server, nil
}
