package scenario

import (
	"context"
	"encoding/json"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
	"github.com/asidecache/aside/codec"
)

// codecs measures values to and from one string of bytes, without Redis.
func codecs(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Codec alone",
		Text: "The struct of twelve fields to and from bytes, in the process alone. aside's codecs check hostile bytes before they decode, which is part of the time, and write into a wire that is used again; " +
			"the libraries' Marshal returns new bytes each time.",
	}
	for _, bytes := range []int{subject.Small, subject.Large} {
		a := subject.Sized(bytes)
		packed, err := msgpack.Marshal(&a)
		if err != nil {
			return s, err
		}
		text, err := json.Marshal(&a)
		if err != nil {
			return s, err
		}
		for _, c := range []struct {
			name, rival string
			codec       codec.Codec[subject.Account]
			marshal     func(any) ([]byte, error)
			unmarshal   func([]byte, any) error
			bytes       []byte
		}{
			{"Msgpack", "msgpack", codec.Msgpack[subject.Account](), msgpack.Marshal, msgpack.Unmarshal, packed},
			{"JSON", "encoding/json", codec.JSON[subject.Account](), json.Marshal, json.Unmarshal, text},
		} {
			var w, ready codec.Wire
			if err := c.codec.Encode(&ready, &a); err != nil {
				return s, err
			}
			encode := []task{
				{c.rival + " Marshal", func() error { _, err := c.marshal(&a); return err }},
				{"aside codec." + c.name, func() error { w.Reset("account:1"); return c.codec.Encode(&w, &a) }},
			}
			decode := []task{
				{c.rival + " Unmarshal", decodes(&a, func(back *subject.Account) error { return c.unmarshal(c.bytes, back) })},
				{"aside codec." + c.name, decodes(&a, func(back *subject.Account) error { return c.codec.Decode(&ready, back) })},
			}
			title := c.name + " of " + size(bytes)
			if s, err = l.tasks(ctx, s, title+", encode", encode, title+", decode", decode); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}
