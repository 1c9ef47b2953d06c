package config_test

import (
	"reflect"
	"testing"
)

// same compares in depth; a nil slice and an empty one are the same.
func same[T any](t *testing.T, got, want T) {
	t.Helper()
	g, w := reflect.ValueOf(&got).Elem(), reflect.ValueOf(&want).Elem()
	level(g)
	level(w)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// level turns empty slices into nil ones.
func level(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		if v.Len() == 0 && v.CanSet() {
			v.SetZero()
			return
		}
		for i := range v.Len() {
			level(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			level(v.Field(i))
		}
	}
}
