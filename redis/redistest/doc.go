// Package redistest is a scripted fake server for tests of code that uses Redis:
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
//		conn := server.AcceptReady() // the client connects and does the handshake
//		conn.Expect("GET", "k")
//		conn.Bulk("v")
//		if result := <-got; result.Value != "v" {
//			t.Errorf("got %q, %v", result.Value, result.Err)
//		}
//	})
//
// A test reads like a conversation. It plays the server's side line by line, in its own
// goroutine. Connections are in memory and have buffers as sockets do. They wait only on Go
// channels, so under testing/synctest time is virtual: an hour of silence takes no time,
// and a conversation that can't continue is reported at once as a deadlock.
package redistest
