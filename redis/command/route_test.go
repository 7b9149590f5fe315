package command_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

func TestRoute(t *testing.T) {
	for name, test := range map[string]struct {
		request command.Request
		want    []string
	}{
		"one key":        {command.Get("k").Request(), []string{"k"}},
		"several keys":   {command.MSet(command.Map{"a": 1, "b": 2}).Request(), []string{"a", "b"}},
		"keys behind":    {command.Eval("return 1", []string{"x", "y"}, "z").Request(), []string{"x", "y"}},
		"a number":       {command.Raw("GET", 7).Request(), []string{"7"}},
		"none":           {command.Ping().Request(), nil},
		"a channel":      {command.Publish("c", "m").Request(), nil},
		"shard channel":  {command.SPublish("c", "m").Request(), []string{"c"}},
		"cluster's scan": {command.ClusterScan("0-{tag}-7").Request(), []string{"0-{tag}-7"}},
	} {
		var rs command.Requests
		before := command.Set("before", "v").Request()
		rs.Add(&before)
		rs.Add(&test.request)
		word, ok := test.request.Route()
		again, also := rs.Route(1)
		if ok != (test.want != nil) || also != ok || again != word || ok && word != test.want[0] {
			t.Errorf("%s: %q %v, %q %v", name, word, ok, again, also)
		}
		if got := slices.Collect(rs.Routes(1)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if r := command.Get("key").Request(); r.Arg(0) != "key" {
		t.Error(r.Arg(0))
	}
	r := command.Get("key").Request()
	if allocs := testing.AllocsPerRun(100, func() { r.Route() }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// What is joined from others is as it was there.
func TestRequestsJoin(t *testing.T) {
	var all command.Requests
	var names []string
	requests := allKinds()
	for name := range requests {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r := requests[name]
		all.Add(&r)
	}
	var odd, want command.Requests
	for i := range names {
		if i%2 == 1 {
			odd.Join(&all, i)
			r := requests[names[i]]
			want.Add(&r)
		}
	}
	if string(odd.Append(nil)) != string(want.Append(nil)) {
		t.Error("the bytes differ")
	}
	for i := range odd.Len() {
		if !slices.Equal(slices.Collect(odd.Routes(i)), slices.Collect(want.Routes(i))) || odd.Name(i) != want.Name(i) || odd.SizeOf(i) != want.SizeOf(i) {
			t.Errorf("%s: %q", odd.Name(i), slices.Collect(odd.Routes(i)))
		}
	}
	if odd.Blocks() != want.Blocks() || odd.BlockFor() != want.BlockFor() {
		t.Error("what blocks differs")
	}
	// A script has its text in the first of its requests, wherever that is.
	script := command.NewScript("return redis.call('GET', KEYS[1])")
	var scripts, second command.Requests
	for _, key := range []string{"a", "b"} {
		r := script.Call([]string{key}).Request()
		scripts.Add(&r)
	}
	second.Join(&scripts, 1)
	if wire := string(second.Append(nil)); !strings.Contains(wire, script.Source()) || !strings.Contains(wire, "EVAL\r\n") {
		t.Errorf("%q", wire)
	}
	// And a bad request stays one.
	var bad, joined command.Requests
	r := command.Set("k", nil).Request()
	bad.Add(&r)
	joined.Join(&bad, 0)
	if !errors.Is(joined.Err(), command.ErrArgument) {
		t.Errorf("%v", joined.Err())
	}
}

func TestTransactionReplies(t *testing.T) {
	var rs command.Requests
	for _, r := range []command.Request{command.Incr("n").Request(), command.Get("k").Request()} {
		rs.Add(&r)
	}
	tx := rs.Transaction(command.AskingRequest())
	if !tx.IsTransaction() || rs.IsTransaction() || tx.Len() != 5 || tx.Name(0) != "ASKING" || tx.Name(1) != "MULTI" || tx.Name(4) != "EXEC" {
		t.Errorf("%d requests", tx.Len())
	}
	for wire, check := range map[string]func(values []proto.Value, err error) bool{
		"+OK +QUEUED +QUEUED *2 :1 _": func(values []proto.Value, err error) bool {
			return err == nil && len(values) == 2 && values[0].Int() == 1 && values[1].IsNull()
		},
		"+OK +QUEUED +QUEUED _": func(_ []proto.Value, err error) bool { return errors.Is(err, command.ErrTxConflict) },
		"+OK +QUEUED -MOVED|7|a:1 -EXECABORT|no": func(_ []proto.Value, err error) bool {
			var one *command.BatchError
			return errors.Is(err, command.ErrRejected) && errors.As(err, &one) && one.Index == 1 && !one.Ran
		},
		// The slot has moved between the last command and EXEC.
		"+OK +QUEUED +QUEUED -MOVED|7|a:1": func(_ []proto.Value, err error) bool {
			return errors.Is(err, command.ErrRejected) && !errors.Is(err, command.ErrTxAborted)
		},
		"+OK +QUEUED +QUEUED -EXECABORT|no": func(_ []proto.Value, err error) bool { return errors.Is(err, command.ErrTxAborted) },
		"-NOPERM|no :1 :2 -ERR|EXEC":        func(_ []proto.Value, err error) bool { return errors.Is(err, command.ErrMaybeExecuted) },
		"+OK +QUEUED +QUEUED *1 :1":         func(_ []proto.Value, err error) bool { return errors.Is(err, command.ErrMaybeExecuted) },
		"+OK +QUEUED +QUEUED":               func(_ []proto.Value, err error) bool { return errors.Is(err, command.ErrMaybeExecuted) },
	} {
		reader := proto.NewReader(strings.NewReader(strings.NewReplacer(" ", "\r\n", "|", " ").Replace(wire)+"\r\n"), proto.Limits{})
		var values []proto.Value
		for {
			v, err := reader.Next()
			if err != nil {
				break
			}
			values = append(values, v)
		}
		got, err := command.TransactionReplies(&rs, "addr:1", values)
		if !check(got, err) {
			t.Errorf("%s: %v, %v", wire, got, err)
		}
	}
}

// batchDoer is a function as a BatchDoer.
type batchDoer func(*command.Requests) ([]proto.Value, error)

func (d batchDoer) DoBatch(_ context.Context, rs *command.Requests) ([]proto.Value, error) {
	return d(rs)
}

// several is a client of several servers: some requests fail, others behind them not.
type several struct{ errs []error }

func (s several) DoBatch(_ *command.Requests) ([]proto.Value, error) {
	values := make([]proto.Value, len(s.errs))
	for i := range values {
		values[i] = proto.Integer(int64(i))
	}
	return values, &command.RequestErrors{Errs: s.errs}
}

func TestRequestErrors(t *testing.T) {
	lost := &command.Error{Command: "INCR", Outcome: command.MaybeExecuted, Err: errors.New("lost")}
	unsent := &command.Error{Command: "INCR", Outcome: command.NotSent, Err: errors.New("unsent")}
	for name, test := range map[string]struct {
		errs  []error
		index int
		ran   bool
	}{
		"one of them":          {[]error{nil, unsent, nil}, 1, true},
		"all, none was sent":   {[]error{unsent, unsent, unsent}, 0, false},
		"all, one may have":    {[]error{unsent, lost, unsent}, 0, true},
		"the last may have":    {[]error{nil, nil, lost}, 2, true},
		"the first was unsent": {[]error{unsent, nil, nil}, 0, true},
	} {
		var b command.Batch
		var futures []*command.Future[int64]
		for range test.errs {
			futures = append(futures, b.Incr("n"))
		}
		err := b.Exec(t.Context(), batchDoer(several{test.errs}.DoBatch))
		var one *command.BatchError
		if !errors.As(err, &one) || one.Index != test.index || one.Ran != test.ran {
			t.Errorf("%s: %#v", name, err)
		}
		for i, f := range futures {
			if n, err := f.Result(); err != test.errs[i] || err == nil && n != int64(i) {
				t.Errorf("%s: future %d: %d, %v", name, i, n, err)
			}
		}
	}
	e := &command.RequestErrors{Errs: []error{nil, unsent, lost}}
	if !errors.Is(e, command.ErrNotSent) || !errors.Is(e, command.ErrMaybeExecuted) || !strings.Contains(fmt.Sprint(e), "2 of 3") {
		t.Errorf("%v", e)
	}
}
