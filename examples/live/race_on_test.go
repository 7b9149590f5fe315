//go:build race

package main

// crowd is how many browsers come in a test of many. The race detector bears no more than
// 8,128 goroutines, and each browser is three or four here.
const crowd = 1000
