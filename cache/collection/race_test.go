//go:build race

package collection_test

const raceEnabled = true
