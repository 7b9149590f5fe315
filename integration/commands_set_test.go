package integration

import (
	"slices"
	"strconv"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

// inAnyOrder is equal for results without an order.
func inAnyOrder(f *fixture, client command.Doer, cmd command.Cmd[[]string], want ...string) {
	f.Helper()
	got := slices.Sorted(slices.Values(result(f, client, cmd)))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r := cmd.Request()
		f.Errorf("%s = %q, want %q", r.Name(), got, want)
	}
}

func TestSetCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.SMembers("s"), []string{})
		equal(f, c, command.SCard("s"), 0)
		equal(f, c, command.SAdd("s", "a", 1, []byte("b"), 1), 3)
		equal(f, c, command.SAdd("s", "a", 2.5), 1)
		equal(f, c, command.SCard("s"), 4)
		inAnyOrder(f, c, command.SMembers("s"), "a", "1", "b", "2.5")
		equal(f, c, command.SIsMember("s", 1), true)
		equal(f, c, command.SIsMember("s", "none"), false)
		equal(f, c, command.SIsMember("none", 1), false)
		equal(f, c, command.SMIsMember("s", 1, "none", "b"), []bool{true, false, true})
		equal(f, c, command.SMIsMember("none", 1), []bool{false})
		equal(f, c, command.SRem("s", "none", "a"), 1)
		equal(f, c, command.SRem("none", "a"), 0)
		equal(f, c, command.SMove("s", "other", "b"), true)
		equal(f, c, command.SMove("s", "other", "b"), false)
		equal(f, c, command.SMembers("other"), []string{"b"})

		missing(f, c, command.SRandMember("none"))
		equal(f, c, command.SRandMemberCount("none", 2), []string{})
		equal(f, c, command.SRandMember("other"), "b")
		equal(f, c, command.SRandMemberCount("other", -3), []string{"b", "b", "b"})
		inAnyOrder(f, c, command.SRandMemberCount("s", 5), "1", "2.5")
		missing(f, c, command.SPop("none"))
		equal(f, c, command.SPopCount("none", 2), []string{})
		equal(f, c, command.SPop("other"), "b")
		equal(f, c, command.SCard("other"), 0)
		equal(f, c, command.SPopCount("s", 0), []string{})
		inAnyOrder(f, c, command.SPopCount("s", 5), "1", "2.5")
		equal(f, c, command.SCard("s"), 0)
	})
}

// TestSetAlgebra has the examples of the servers' documentation.
func TestSetAlgebra(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.SAdd("key1", "a", "b", "c", "d"), 4)
		equal(f, c, command.SAdd("key2", "c"), 1)
		equal(f, c, command.SAdd("key3", "a", "c", "e"), 3)
		inAnyOrder(f, c, command.SDiff("key1", "key2", "key3"), "b", "d")
		inAnyOrder(f, c, command.SInter("key1", "key2", "key3"), "c")
		inAnyOrder(f, c, command.SUnion("key1", "key2", "key3"), "a", "b", "c", "d", "e")
		equal(f, c, command.SInter("key1", "none"), []string{})
		equal(f, c, command.SDiffStore("to", "key1", "key2", "key3"), 2)
		inAnyOrder(f, c, command.SMembers("to"), "b", "d")
		equal(f, c, command.SInterStore("to", "key1", "key3"), 2)
		inAnyOrder(f, c, command.SMembers("to"), "a", "c")
		equal(f, c, command.SUnionStore("to", "key2", "key3", "none"), 3)
		inAnyOrder(f, c, command.SMembers("to"), "a", "c", "e")
		equal(f, c, command.SInterCard([]string{"key1", "key3"}), 2)
		equal(f, c, command.SInterCard([]string{"key1", "key3"}, command.StopAt(1)), 1)
		equal(f, c, command.SInterCard([]string{"key1", "none"}), 0)
	})
}

func TestSetScan(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.SScan("none", 0), command.SScanPage{Members: []string{}})
		var members []any
		for i := range 3000 {
			members = append(members, "member:"+strconv.Itoa(i))
		}
		equal(f, c, command.SAdd("s", members...), 3000)
		found := map[string]bool{}
		for cursor := uint64(0); ; {
			page := result(f, c, command.SScan("s", cursor, command.Count(500)))
			for _, member := range page.Members {
				found[member] = true
			}
			if cursor = page.Cursor; cursor == 0 {
				break
			}
		}
		if len(found) != 3000 || !found["member:2999"] {
			f.Errorf("SSCAN found %d members of 3000", len(found))
		}
		clear(found)
		for member, err := range c.SScanAll(f.ctx, "s", command.Match("member:1?")) {
			if err != nil {
				f.Fatal(err)
			}
			found[member] = true
		}
		if len(found) != 10 || !found["member:17"] {
			f.Errorf("SSCAN MATCH found %v", found)
		}
	})
}
