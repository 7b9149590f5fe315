package load

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/redchan-go/redchan/bench/internal/wire"
)

// prefix begins every key, so that a server that is used for other things loses
// nothing.
const prefix = "redchan-bench:"

// Sizes of what is stored.
const (
	smallKeys  = 1000 // keys of 64 bytes
	smallSize  = 64
	mediumSize = 16 << 10
	largeSize  = 1 << 20
	elements   = 1000 // of the list and the hash
)

// The keys.
const (
	mediumKey = prefix + "16k"
	largeKey  = prefix + "1m"
	listKey   = prefix + "list"
	shortKey  = prefix + "short"
	hashKey   = prefix + "hash"
)

// shortList is how many elements the list of the mix has.
const shortList = 10

// value returns a value of n bytes.
func value(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

// smallKeyNames returns the keys of 64 bytes.
func smallKeyNames() []string {
	names := make([]string, smallKeys)
	for i := range names {
		names[i] = fmt.Sprintf("%sk%04d", prefix, i)
	}
	return names
}

// listElement and hashField have a fixed length, so that a reply's is known ahead.
func listElement(i int) string { return fmt.Sprintf("element:%08d", i) }

func hashField(i int) (field, value string) {
	return fmt.Sprintf("field:%08d", i), fmt.Sprintf("value:%08d", i)
}

// Fill stores everything that the workloads read.
func Fill(admin *wire.Conn) error {
	if err := Clear(admin); err != nil {
		return err
	}
	var commands [][]string
	for _, key := range smallKeyNames() {
		commands = append(commands, []string{"SET", key, value(smallSize)})
	}
	commands = append(
		commands,
		[]string{"SET", mediumKey, value(mediumSize)},
		[]string{"SET", largeKey, value(largeSize)},
	)
	list := []string{"RPUSH", listKey}
	short := []string{"RPUSH", shortKey}
	hash := []string{"HSET", hashKey}
	for i := range elements {
		list = append(list, listElement(i))
		field, value := hashField(i)
		hash = append(hash, field, value)
	}
	for i := range shortList {
		short = append(short, listElement(i))
	}
	commands = append(commands, list, short, hash)
	for _, words := range commands {
		if _, err := admin.Do(words...); err != nil {
			return fmt.Errorf("filling the server: %s %s: %w", words[0], words[1], err)
		}
	}
	return nil
}

// Clear deletes what Fill has stored.
func Clear(admin *wire.Conn) error {
	words := append([]string{"DEL", mediumKey, largeKey, listKey, shortKey, hashKey}, smallKeyNames()...)
	if _, err := admin.Do(words...); err != nil {
		return fmt.Errorf("clearing the server: %w", err)
	}
	return nil
}

// bulkBytes is how long a bulk string of n bytes is on the wire.
func bulkBytes(n int) int { return len("$") + len(strconv.Itoa(n)) + len("\r\n") + n + len("\r\n") }

// arrayBytes is how long an array of count bulk strings of n bytes is on the wire.
func arrayBytes(count, n int) int {
	return len("*") + len(strconv.Itoa(count)) + len("\r\n") + count*bulkBytes(n)
}
