package cachetest

import "github.com/asidecache/aside/codec"

// The zstd that all codecs share makes its channels when it is first used. In a
// testing/synctest bubble they would be that bubble's, and the next one to
// compress would end the process. So it is used here, outside of any.
func init() {
	c := codec.Compress(codec.Text[string](), codec.Zstd, 0)
	b, err := c.AppendValue(nil, string(make([]byte, 1000)))
	if err == nil {
		var s string
		err = c.ParseValue(b, &s)
	}
	if err != nil {
		panic(err) // it is a constant that is compressed
	}
}
