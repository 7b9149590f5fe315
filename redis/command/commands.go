package command

//go:generate go run ./internal/genmethods

// Commands has a method for every command, generated from the constructors of
// this package. It runs on any [Doer]; clients embed one.
type Commands struct{ doer Doer }

// On returns the methods of all commands, run by d:
//
//	v, err := command.On(cache).Get(ctx, "key")
func On(d Doer) *Commands { return &Commands{d} }
