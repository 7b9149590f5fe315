//go:build !race

package main

// crowd is how many browsers come in a test of many.
const crowd = 2000
