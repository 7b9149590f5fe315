// Package redistest is a scripted fake server for tests of what talks to
// Redis:
//
//	synctest.Test(t, func(t *testing.T) {
//		server := redistest.NewServer(t)
//		client, err := redis.New(redis.Options{Dial: server.Dial})
//		if err != nil {
//			t.Fatal(err)
//		}
//		defer client.Close()
//
//		got := command.Get("k").Go(t.Context(), client)
//		conn := server.AcceptReady() // the client connects and shakes hands
//		conn.Expect("GET", "k")
//		conn.Bulk("v")
//		if result := <-got; result.Value != "v" {
//			t.Errorf("got %q, %v", result.Value, result.Err)
//		}
//	})
//
// A test reads like the conversation that it is about: the server's side is
// written line by line, in the test's own goroutine. Connections are in memory,
// with buffers as sockets have them, and wait on Go channels only, so that
// under testing/synctest time is virtual: an hour of silence takes no time, and
// a conversation that can't go on is reported at once as a deadlock.
package redistest
