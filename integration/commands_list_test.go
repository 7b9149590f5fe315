package integration

import (
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

func TestListCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "LMOVE")
		c := f.open()
		equal(f, c, command.LRange("l", 0, -1), []string{})
		equal(f, c, command.LLen("l"), 0)
		equal(f, c, command.RPush("l", "c", []byte("d"), 5), 3)
		equal(f, c, command.LPush("l", "b", "a"), 5)
		equal(f, c, command.LLen("l"), 5)
		equal(f, c, command.LRange("l", 0, -1), []string{"a", "b", "c", "d", "5"})
		equal(f, c, command.LRange("l", -2, -1), []string{"d", "5"})
		equal(f, c, command.RPush("trimmed", 1, 2, 3, 4), 4)
		equal(f, c, command.LTrim("trimmed", 1, -2), done)
		equal(f, c, command.LRange("trimmed", 0, -1), []string{"2", "3"})
		equal(f, c, command.LTrim("trimmed", 5, 9), done)
		equal(f, c, command.LLen("trimmed"), 0)

		equal(f, c, command.LMPop(command.Right, []string{"none", "l"}),
			command.KeyValues{Key: "l", Values: []string{"5"}})
		equal(f, c, command.LMPop(command.Left, []string{"l"}, command.Count(3)),
			command.KeyValues{Key: "l", Values: []string{"a", "b", "c"}})
		equal(f, c, command.BLPop(time.Second, "none", "l"), command.KeyValue{Key: "l", Value: "d"})
		missing(f, c, command.LMPop(command.Left, []string{"l"}))

		began := time.Now()
		missing(f, c, command.BLPop(150*time.Millisecond, "l"))
		if waited := time.Since(began); waited < 150*time.Millisecond {
			f.Errorf("BLPOP gave up after %v of 150 ms", waited)
		}
	})
}

// TestElementsOfLists has the examples of the servers' documentation.
func TestElementsOfLists(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.LPushX("l", "x"), 0)
		equal(f, c, command.RPushX("l", "x"), 0)
		equal(f, c, command.RPush("l", "Hello"), 1)
		equal(f, c, command.RPushX("l", "World", "!"), 3)
		equal(f, c, command.LPushX("l", "b", "a"), 5)
		equal(f, c, command.LRange("l", 0, -1), []string{"a", "b", "Hello", "World", "!"})
		equal(f, c, command.LIndex("l", 0), "a")
		equal(f, c, command.LIndex("l", -1), "!")
		missing(f, c, command.LIndex("l", 9))
		missing(f, c, command.LIndex("none", 0))
		equal(f, c, command.LSet("l", -1, 7), done)
		equal(f, c, command.LIndex("l", 4), "7")
		refused(f, c, command.LSet("l", 9, "x"), "ERR")
		refused(f, c, command.LSet("none", 0, "x"), "ERR")
		equal(f, c, command.LInsert("l", command.Before, "World", "There"), 6)
		equal(f, c, command.LInsert("l", command.After, 7, 8), 7)
		missing(f, c, command.LInsert("l", command.After, "none", "x"))
		missing(f, c, command.LInsert("none", command.After, "World", "x"))
		equal(f, c, command.LRange("l", 2, -1), []string{"Hello", "There", "World", "7", "8"})

		equal(f, c, command.RPush("r", "hello", "hello", "foo", "hello", "hello"), 5)
		equal(f, c, command.LRem("r", -2, "hello"), 2)
		equal(f, c, command.LRange("r", 0, -1), []string{"hello", "hello", "foo"})
		equal(f, c, command.LRem("r", 1, "hello"), 1)
		equal(f, c, command.LRem("r", 0, "none"), 0)
		equal(f, c, command.LRem("none", 0, "x"), 0)

		equal(f, c, command.RPush("p", "a", "b", "c", 1, 2, 3, "c", "c"), 8)
		equal(f, c, command.LPos("p", "c"), 2)
		equal(f, c, command.LPos("p", 2), 4)
		equal(f, c, command.LPos("p", "c", command.MatchRank(2)), 6)
		equal(f, c, command.LPos("p", "c", command.MatchRank(-1)), 7)
		missing(f, c, command.LPos("p", "c", command.MaxCompared(2)))
		missing(f, c, command.LPos("p", "none"))
		missing(f, c, command.LPos("none", "c"))
		equal(f, c, command.LPosCount("p", "c", 2), []int64{2, 6})
		equal(f, c, command.LPosCount("p", "c", 2, command.MatchRank(-1)), []int64{7, 6})
		equal(f, c, command.LPosCount("p", "c", 0), []int64{2, 6, 7})
		equal(f, c, command.LPosCount("p", "c", 0, command.MaxCompared(7)), []int64{2, 6})
		equal(f, c, command.LPosCount("p", "none", 0), []int64{})
		equal(f, c, command.LPosCount("none", "c", 0), []int64{})
	})
}

func TestPopAndMove(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "LPOP with a count")
		c := f.open()
		missing(f, c, command.LPop("none"))
		missing(f, c, command.RPop("none"))
		missing(f, c, command.LPopCount("none", 2))
		missing(f, c, command.RPopCount("none", 2))
		equal(f, c, command.RPush("l", 1, 2, 3, 4, 5, 6), 6)
		equal(f, c, command.LPop("l"), "1")
		equal(f, c, command.RPop("l"), "6")
		equal(f, c, command.LPopCount("l", 2), []string{"2", "3"})
		equal(f, c, command.LPopCount("l", 0), []string{})
		equal(f, c, command.RPopCount("l", 5), []string{"5", "4"})

		equal(f, c, command.RPush("mine", "one", "two", "three"), 3)
		equal(f, c, command.LMove("mine", "other", command.Right, command.Left), "three")
		equal(f, c, command.LMove("mine", "other", command.Left, command.Right), "one")
		equal(f, c, command.LRange("mine", 0, -1), []string{"two"})
		equal(f, c, command.LRange("other", 0, -1), []string{"three", "one"})
		missing(f, c, command.LMove("none", "other", command.Left, command.Left))
		equal(f, c, command.RPopLPush("other", "other"), "one")
		equal(f, c, command.LRange("other", 0, -1), []string{"one", "three"})
		missing(f, c, command.RPopLPush("none", "other"))

		equal(f, c, command.BLMove("other", "mine", command.Left, command.Left, time.Second), "one")
		equal(f, c, command.BRPopLPush("other", "mine", time.Second), "three")
		equal(f, c, command.LRange("mine", 0, -1), []string{"three", "one", "two"})
		equal(f, c, command.BRPop(time.Second, "none", "mine"), command.KeyValue{Key: "mine", Value: "two"})
		equal(f, c, command.BLMPop(time.Second, command.Right, []string{"none", "mine"}, command.Count(5)),
			command.KeyValues{Key: "mine", Values: []string{"one", "three"}})
		const soon = 20 * time.Millisecond
		missing(f, c, command.BLMove("other", "mine", command.Left, command.Left, soon))
		missing(f, c, command.BRPopLPush("other", "mine", soon))
		missing(f, c, command.BRPop(soon, "mine"))
		missing(f, c, command.BLMPop(soon, command.Left, []string{"mine"}))
	})
}

// TestBlockingPopHoldsNobodyUp waits for an element on one connection while others'
// commands go over the shared one.
func TestBlockingPopHoldsNobodyUp(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		popped := command.BLPop(0, "queue").Go(f.ctx, c)
		f.eventually("a blocked client", func() bool {
			return result(f, c, command.Info("clients")).Get("blocked_clients") == "1"
		})
		equal(f, c, command.Echo("still here"), "still here")
		equal(f, c, command.RPush("queue", "job"), 1)
		select {
		case r := <-popped:
			if want := (command.KeyValue{Key: "queue", Value: "job"}); r.Err != nil || r.Value != want {
				f.Errorf("BLPOP = %v, %v, want %v", r.Value, r.Err, want)
			}
		case <-f.ctx.Done():
			f.Error("BLPOP never got the element")
		}
	})
}
