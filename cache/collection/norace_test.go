//go:build !race

package collection_test

const raceEnabled = false
