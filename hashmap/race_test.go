//go:build race

package hashmap_test

func init() { raceEnabled = true }
