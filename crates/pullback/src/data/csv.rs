//! Tables in CSV files: columns of numbers or of categories, as their texts say.
//!
//! ```
//! use pullback::DType;
//! use pullback::data::csv::Table;
//! let table = Table::parse("size,colour,price\n1,red,2.5\n2,blue,\n4,red,8\n".as_bytes())?;
//! let x = table.tensor(&["size", "price"], DType::F64)?;
//! assert_eq!(x.shape()[..], [3, 2]);
//! assert!(x.to_vec::<f64>()?[3].is_nan()); // what is missing is NaN
//! let (codes, names) = table.categories("colour")?;
//! assert_eq!((codes.to_vec::<i64>()?, names), (vec![1, 0, 1], vec!["blue".to_string(), "red".to_string()]));
//! # Ok::<(), pullback::Error>(())
//! ```

use crate::core::fail::{bail, ensure, error};
use crate::{DType, Error, ErrorKind, Result, Tensor};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// What stands for a value that is missing.
const MISSING: [&str; 5] = ["", "NA", "NaN", "nan", "null"];

/// A column: its name and its texts.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    texts: Vec<String>,
}

/// A table with a first line of names.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
}

fn missing(text: &str) -> bool {
    MISSING.contains(&text.trim())
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// Those of the file system; rows of other lengths than the first, with their line.
    pub fn load(path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        let failed = |e: std::io::Error| {
            let text = format!("cannot read {}: {e}", path.display());
            Error::new(ErrorKind::Io, text).caused_by(e)
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        Table::parse(file).map_err(|e| e.note(format!("in {}", path.display())))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Rows of other lengths than the first, with their line; what is no UTF-8; two columns of one name.
    pub fn parse(text: impl Read) -> Result<Table> {
        let failed = |e: ::csv::Error| {
            Error::new(ErrorKind::Io, format!("the table is broken: {e}")).caused_by(e)
        };
        let mut reader = ::csv::Reader::from_reader(text);
        let names = reader.headers().map_err(failed)?;
        let mut columns: Vec<Column> = (names.iter())
            .map(|name| Column {
                name: name.trim().to_string(),
                texts: Vec::new(),
            })
            .collect();
        for (i, c) in columns.iter().enumerate() {
            ensure!(
                columns[..i].iter().all(|other| other.name != c.name),
                Value,
                "two columns are called `{}`",
                c.name
            );
        }
        for record in reader.records() {
            let record = record.map_err(failed)?;
            for (column, text) in columns.iter_mut().zip(&record) {
                column.texts.push(text.to_string());
            }
        }
        Ok(Table { columns })
    }

    /// The names of the columns.
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|c| &*c.name).collect()
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |c| c.texts.len())
    }

    fn column(&self, name: &str) -> Result<&Column> {
        let found = self.columns.iter().find(|c| c.name == name);
        found.ok_or_else(|| {
            error!(
                Value,
                "no column is called `{name}`: there are {:?}",
                self.names()
            )
        })
    }

    /// Whether all values of a column that are there are numbers.
    ///
    /// # Errors
    /// Where there is no such column.
    pub fn is_numeric(&self, name: &str) -> Result<bool> {
        let column = self.column(name)?;
        let number = |t: &String| missing(t) || t.trim().parse::<f64>().is_ok();
        Ok(column.texts.iter().all(number))
    }

    /// Columns of numbers side by side: (rows, columns). What is missing is NaN.
    ///
    /// # Errors
    /// Where there is no such column; for a text that is no number, with its row; for a missing value where the dtype has no NaN.
    pub fn tensor(&self, names: &[&str], dtype: DType) -> Result<Tensor> {
        let columns: Vec<&Column> = names
            .iter()
            .map(|n| self.column(n))
            .collect::<Result<_>>()?;
        let mut all = Vec::with_capacity(self.rows() * columns.len());
        for row in 0..self.rows() {
            for column in &columns {
                let text = column.texts[row].trim();
                match text.parse::<f64>() {
                    _ if missing(text) && dtype.is_float() => all.push(f64::NAN),
                    _ if missing(text) => bail!(
                        Value,
                        "row {} of column `{}` is missing, and {dtype} has no NaN",
                        row + 1,
                        column.name
                    ),
                    Ok(x) => all.push(x),
                    Err(_) => bail!(
                        Value,
                        "row {} of column `{}` is {text:?}, which is no number",
                        row + 1,
                        column.name
                    ),
                }
            }
        }
        Tensor::from_slice(&all, [self.rows(), columns.len()])?.to(dtype)
    }

    /// A column's values as numbers of their names, in the order of the names; what is missing is -1.
    ///
    /// # Errors
    /// Where there is no such column.
    pub fn categories(&self, name: &str) -> Result<(Tensor, Vec<String>)> {
        let column = self.column(name)?;
        let mut codes: BTreeMap<&str, i64> = BTreeMap::new();
        for text in column.texts.iter().filter(|t| !missing(t)) {
            codes.insert(text.trim(), 0);
        }
        for (code, (_, at)) in codes.iter_mut().enumerate() {
            *at = code as i64;
        }
        let all = column
            .texts
            .iter()
            .map(|t| codes.get(t.trim()).copied().unwrap_or(-1));
        let all: Vec<i64> = all.collect();
        let names = codes.keys().map(|s| s.to_string()).collect();
        Ok((Tensor::from_slice(&all, [all.len()])?, names))
    }
}
