// Package command is the vocabulary of Redis and Valkey as values. A
// constructor makes a command; any client runs it, in whichever way suits:
//
//	cmd := command.SetIf("greeting", "hello", command.NX, command.EX(time.Minute))
//
//	ok, err := cmd.Do(ctx, client)          // wait for the result
//	results := cmd.Go(ctx, client)          // the result on a channel, for select
//	future := cmd.Queue(&batch)             // with others, in one round trip
//	err = client.Set(ctx, "greeting", "hello") // the generated method
//
// Arguments are strings, byte slices, integers and floats, and types made from
// them; [JSON] and [Binary] wrap the rest. Anything else is an error, found by
// errors.Is with [ErrArgument], before a byte is sent. Options are values of
// their own; an impossible mix of them is refused likewise.
//
// Results have the command's own type. [AsJSON], [AsBytes], [As] and their kind
// change it. What does not exist is [Nil].
package command
