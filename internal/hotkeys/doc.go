// Package hotkeys finds the keys that are looked up most by the caches of a client, of a sample of
// their lookups and in bounded memory.
//
// A [Sketch] counts by HeavyKeeper (Yang et al., USENIX ATC 2018): keys that are seen often wear
// the counts of others away and keep their own, and those with the highest counts are kept by name.
// These are counted one by one, and leave their buckets to others. All counts are halved every
// 30 s, so that a key which is no longer looked up leaves in minutes.
package hotkeys
