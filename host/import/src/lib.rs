//! How a file of contacts becomes rows: encoding, delimiter, header, mapping, rejects.
