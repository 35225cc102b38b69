// Package compare says whether two decoded values are the same, and names the fields in which they
// are not. What differs by its form alone is the same: the order of a map, a moment in another time
// zone, nil in place of nothing.
package compare
