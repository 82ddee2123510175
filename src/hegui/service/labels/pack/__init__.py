"""The labelling pack: material on labels for filings and app stores (Labelling Measures 7, 8 and 12), made from what is really done."""
