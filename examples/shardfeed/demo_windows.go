package main

import (
	"context"
	"errors"
	"io"
)

// demo needs signals that Windows does not have.
type demo struct{}

var errNoDemo = errors.New("-demo needs Linux or macOS: start a cluster and give its address with -addr")

func startDemo(context.Context, io.Writer) (*demo, error) { return nil, errNoDemo }

func (*demo) url() string { return "" }

func (*demo) close() error { return nil }

func (*demo) run(context.Context, []string, chan<- string) error { return errNoDemo }
