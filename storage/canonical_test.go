package storage

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		`{ "b":1, "a":[true,null, false] }`:               `{"a":[true,null,false],"b":1}`,
		`"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"`: `"€$\u000f\nA'B\"\\\\\"/"`, // RFC 8785, 3.2.2.2
		`"\u2028 <&>"`: "\"\u2028 <&>\"",
		`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`:// RFC 8785, 3.2.3
		"{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,\"\U0001F600\":5,\"\ufb33\":3}",
		`-9007199254740992`: `-9007199254740992`,
		`{}`:                `{}`,
		`[]`:                `[]`,
	} {
		got, err := canonical([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{``, `1.5`, `1e3`, `9007199254740993`, `{} {}`, `{"a":}`, "\"\xff\"", `[1,]`} {
		if got, err := canonical([]byte(in)); err == nil {
			t.Errorf("%s: got %s, want an error", in, got)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add([]byte(`{"b":[1,-2,"x\u2028\ud83d\ude00"],"a":{"c":null,"":true}}`))
	f.Add([]byte(`"\u0000\b\f"`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := canonical(data)
		if err != nil {
			return
		}
		twice, err := canonical(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q became %q, then %q, %v", data, once, twice, err)
		}
		var a, b any
		if json.Unmarshal(data, &a) != nil || json.Unmarshal(once, &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%q and %q do not mean the same", data, once)
		}
	})
}
