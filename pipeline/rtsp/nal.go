package rtsp

import "github.com/vedette-cctv/vedette/models"

// class is what a NAL unit means for finding access units.
type class int

const (
	classOther class = iota // delimiters, SEI, filler, end of sequence
	classVPS
	classSPS
	classPPS
	classPicture // a slice
	classKey     // a slice at which decoding can begin
)

// classify reads a NAL unit's header: ITU-T H.264, 7.3.1 and table 7-1; H.265, 7.3.1.2
// and table 7-1.
func classify(codec models.Codec, nalu []byte) class {
	if len(nalu) == 0 {
		return classOther
	}
	if codec == models.H265 {
		switch typ := nalu[0] >> 1 & 0x3f; {
		case typ >= 16 && typ <= 23:
			return classKey // IRAP
		case typ < 32:
			return classPicture
		case typ == 32:
			return classVPS
		case typ == 33:
			return classSPS
		case typ == 34:
			return classPPS
		}
		return classOther
	}
	switch nalu[0] & 0x1f {
	case 5:
		return classKey // IDR
	case 1, 2, 3, 4:
		return classPicture
	case 7:
		return classSPS
	case 8:
		return classPPS
	}
	return classOther
}

// delimiter says whether the NAL unit is an access unit delimiter, which must stay first.
func delimiter(codec models.Codec, nalu []byte) bool {
	if len(nalu) == 0 {
		return false
	}
	if codec == models.H265 {
		return nalu[0]>>1&0x3f == 35
	}
	return nalu[0]&0x1f == 9
}

// opensPicture says whether a slice is the first of its picture: first_mb_in_slice is 0
// (H.264, 7.3.3; a one-bit Exp-Golomb code) or first_slice_segment_in_pic_flag is set
// (H.265, 7.3.6.1).
func opensPicture(codec models.Codec, slice []byte) bool {
	head := 1
	if codec == models.H265 {
		head = 2
	}
	return len(slice) > head && slice[head]&0x80 != 0
}

// continuesFragment says whether an RTP payload goes on with a fragmented NAL unit: FU-A
// (RFC 6184, 5.8) or FU (RFC 7798, 4.4.3) without the start bit.
func continuesFragment(codec models.Codec, payload []byte) bool {
	if codec == models.H265 {
		return len(payload) > 2 && payload[0]>>1&0x3f == 49 && payload[2]&0x80 == 0
	}
	return len(payload) > 1 && payload[0]&0x1f == 28 && payload[1]&0x80 == 0
}
