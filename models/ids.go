package models

// CameraID is the name of a camera in the configuration file.
type CameraID string

// ZoneID is the name of a zone; it is unique within one camera.
type ZoneID string

// TrackID numbers the tracks of one camera from 1 within one run of the program.
type TrackID int64

// IncidentID names one incident for ever. IDs sort by the time of their alarm.
type IncidentID string
