// Package redis is a client for Redis and Valkey servers:
//
//	client, err := redis.Open(ctx, "redis://localhost:6379")
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//
//	sub, err := client.Subscribe(ctx, "news")
//	if err != nil {
//		return err
//	}
//	ticker := time.NewTicker(time.Minute)
//	defer ticker.Stop()
//	var minutes <-chan command.Result[int64] // nil, so never ready, until the ticker fires
//	for {
//		select {
//		case msg, ok := <-sub.Messages():
//			if !ok {
//				return sub.Err() // why it ended
//			}
//			fmt.Println(msg.Channel, msg.Payload, msg.Gap)
//		case <-ticker.C:
//			minutes = command.Incr("minutes").Go(ctx, client)
//		case r := <-minutes:
//			fmt.Println("up for", r.Value, "minutes", r.Err)
//		}
//	}
//
// A [Client] is shared by the whole program. The commands of all goroutines go over one
// connection, and concurrent commands are batched automatically. Each command that blocks
// takes a connection for itself. All subscriptions share one more connection. The client
// replaces connections that are lost, and nothing is lost silently: a command's error says
// whether the command may have run ([SafeToRetry]), and the next message of a subscription
// says what it may have missed (pubsub.Gap).
//
// Canceling a context ends the wait for a reply. It closes no connection, except the one
// used by a command that blocks on the server.
//
// Commands are methods of the client, which wait for their result: client.Incr(ctx,
// "minutes"). They are also values of package command. The Go method of such a value
// delivers the result on a channel, so that a select loop keeps running while the server is
// away.
package redis
