package shard

import (
	"testing"

	"github.com/redchan-go/redchan/cluster/slot"
)

// Nodes that agree tell it in orders of their own: that is no news, or every refresh would end
// the pauses of slots that nobody serves.
func TestViewsInOtherOrdersAreTheSame(t *testing.T) {
	low, high := slot.Range{From: 0, To: 99}, slot.Range{From: 200, To: 299}
	a := Shard{Slots: []slot.Range{low, high}, Primary: "a", Replicas: []string{"c", "d"}}
	b := Shard{Slots: []slot.Range{{From: 100, To: 199}}, Primary: "b"}
	turned := Shard{Slots: []slot.Range{high, low}, Primary: "a", Replicas: []string{"d", "c"}}
	one, other := View{Shards: []Shard{a, b}}, View{Shards: []Shard{b, turned}}
	if !one.same(&other) {
		t.Error("another order is news")
	}
	if a.Slots[0] != low || turned.Replicas[0] != "d" {
		t.Error("comparing has changed the views")
	}
	moved := b
	moved.Primary = "c"
	for name, different := range map[string]View{
		"a primary": {Shards: []Shard{a, moved}},
		"a replica": {Shards: []Shard{{Slots: a.Slots, Primary: "a", Replicas: []string{"c"}}, b}},
		"a slot":    {Shards: []Shard{{Slots: []slot.Range{low}, Primary: "a", Replicas: a.Replicas}, b}},
		"a shard":   {Shards: []Shard{a}},
	} {
		if one.same(&different) {
			t.Errorf("%s that differs is no news", name)
		}
	}
}
