"""Amodal formats that people have on disk, all converted through one record: `person.AmodalPerson`."""
